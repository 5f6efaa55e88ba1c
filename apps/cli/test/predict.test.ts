import { existsSync, readdirSync } from 'node:fs'
import { copyFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeImage, Mask, openWeights, type WeightSource } from '@sam/core'
import { memoryWeights } from '@sam/core/graph'
import { writeSafetensors } from '@sam/core/model'
import { iouOf } from '@sam/train/toolkit'
import { fixture, resultsIn, sam, tinyConfig, tinyPhoto, workFolder } from './sam.js'

interface Told {
  readonly width: number
  readonly height: number
  readonly objects: readonly {
    readonly masks: readonly {
      readonly predicted_iou: number
      readonly area: number
      readonly bbox: readonly number[]
      readonly token_index: number
      readonly file?: string
      readonly segmentation?: unknown
    }[]
  }[]
}
interface Golden {
  point_coords?: [number, number][]
  point_labels?: number[]
  box?: number[]
}

describe('sam predict', async () => {
  const folder = await workFolder()
  const at = (name: string): string => join(folder, name)
  const photo = at('a photo.png')
  const model = ['--checkpoint', fixture('tiny-checkpoint.pth'), '--model', at('config.json'), '--quiet']
  const predict = (...argv: string[]) => sam(['predict', photo, ...model, ...argv])
  const told = async (...argv: string[]): Promise<Told> => {
    const { code, out, err } = await predict('--json', ...argv)
    expect(code, `${out}${err}`).toBe(0)
    return JSON.parse(out) as Told
  }
  const golden = JSON.parse(await readFile(fixture('tiny-io.json'), 'utf8')) as {
    prompts: Record<string, { prompt: Golden; multi: { areas: number[] }; single: { areas: number[] } }>
  }
  let io: WeightSource

  beforeAll(async () => {
    io = await openWeights(fixture('tiny-io.safetensors'))
    await writeFile(photo, await tinyPhoto())
    await writeFile(at('config.json'), tinyConfig)
    for (const name of Object.keys(golden.prompts)) {
      if (!io.has(`${name}/mask_input`)) continue
      const chunks: Uint8Array[] = []
      for await (const chunk of writeSafetensors(
        memoryWeights({ low_res_logits: await io.read(`${name}/mask_input`) })
      ))
        chunks.push(chunk)
      await writeFile(at(`${name}.safetensors`), Buffer.concat(chunks))
    }
  })

  /** A prompt set of the reference as a user types it. */
  const typed = (name: string): string[] => {
    const { point_coords = [], point_labels = [], box } = golden.prompts[name].prompt
    return [
      ...point_coords.flatMap(([x, y], i) => ['--point', `${x},${y},${point_labels[i]}`]),
      ...(box ? ['--box', box.join(',')] : []),
      ...(io.has(`${name}/mask_input`) ? ['--mask', at(`${name}.safetensors`)] : [])
    ]
  }
  const difference = (a: Float32Array, b: Float32Array): number =>
    a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), a.length === b.length ? 0 : Infinity)

  it.each(Object.keys(golden.prompts))('matches PyTorch: %s', async name => {
    for (const [mode, from, to] of [
      ['multi', 1, 4],
      ['single', 0, 1]
    ] as const) {
      const file = at(`${name}-${mode}.safetensors`)
      const { masks } = (
        await told(
          ...typed(name),
          mode === 'multi' ? '--multimask' : '--single',
          '--save-tensors',
          file,
          '--format',
          'rle'
        )
      ).objects[0]
      const saved = await openWeights(file)
      const read = async (key: string, count: number): Promise<Float32Array> => {
        const { shape, data } = await saved.read(key)
        expect(shape.slice(0, 2)).toEqual([1, count])
        return data
      }
      expect(
        difference((await saved.read('image_embedding')).data, (await io.read('image_embedding')).data)
      ).toBeLessThan(1e-4)
      expect(
        difference(
          await read('low_res_logits', to - from),
          (await io.read(`${name}/low_res_all`)).data.slice(from * 1024, to * 1024)
        )
      ).toBeLessThan(1e-4)
      expect(
        difference(await read('iou_predictions', to - from), (await io.read(`${name}/iou_all`)).data.slice(from, to))
      ).toBeLessThan(1e-4)
      expect(difference(await read('logits', to - from), (await io.read(`${name}/${mode}/logits`)).data)).toBeLessThan(
        1e-4
      )
      await saved.close()

      expect(masks.map(m => m.predicted_iou)).toEqual(masks.map(m => m.predicted_iou).sort((a, b) => b - a))
      expect([...masks].sort((a, b) => a.token_index - b.token_index).map(m => m.area)).toEqual(
        golden.prompts[name][mode].areas
      )
    }
  })

  it('writes masks as pictures and an overlay of the best one', async () => {
    const out = at('pictures')
    const { code, out: text } = await predict('--point', '75,40', '--out', out)
    expect(code).toBe(0)
    expect(resultsIn(out)).toEqual(['mask-1.png', 'mask-2.png', 'mask-3.png', 'overlay.png'])
    expect(text.split('\n')[0]).toMatch(/^object +mask +predicted IoU/)
    for (const file of resultsIn(out)) expect(text).toContain(join(out, file))
    const [mask, overlay, original] = await Promise.all([
      decodeImage(join(out, 'mask-1.png')),
      decodeImage(join(out, 'overlay.png')),
      decodeImage(photo)
    ])
    expect(new Set(mask.data)).toEqual(new Set([0, 255]))
    expect([overlay.width, overlay.height]).toEqual([150, 100])
    expect(Buffer.from(overlay.data).equals(Buffer.from(original.data))).toBe(false)
  })

  it('leaves no mask of an earlier run in its folder', async () => {
    const out = at('pictures')
    expect((await predict('--point', '75,40', '--single', '--out', out)).code).toBe(0)
    expect(resultsIn(out)).toEqual(['mask-1.png', 'overlay.png'])
  })

  it('makes no folder for a photo that is not there', async () => {
    const before = readdirSync(folder)
    expect(await sam(['predict', at('none.png'), ...model, '--point', '1,1', '--out', at('none')])).toMatchObject({
      code: 1
    })
    expect(readdirSync(folder)).toEqual(before)
  })

  it('writes the same mask as a picture, run lengths and polygons', async () => {
    const [png, rle, polygon] = await Promise.all(
      ['png', 'rle', 'polygon'].map(format =>
        told('--point', '75,40', '--single', '--format', format, ...(format === 'png' ? ['--out', at('png')] : []))
      )
    )
    const picture = await decodeImage(png.objects[0].masks[0].file!)
    const bitmap = Mask.fromBitmap({ width: 150, height: 100, data: picture.data.filter((_, i) => i % 3 === 0) })
    expect(rle.objects[0].masks[0].segmentation).toEqual(bitmap.toCocoRle())
    expect(polygon.objects[0].masks[0].segmentation).toEqual({ type: 'MultiPolygon', coordinates: bitmap.toPolygons() })
    expect(rle.objects[0].masks[0]).toMatchObject({ area: bitmap.area, bbox: bitmap.boxXywh })
  })

  it('writes JSON into the folder of --out, and no file where stdout holds all results', async () => {
    const before = readdirSync(folder)
    const onStdout = await predict('--point', '75,40', '--format', 'rle', '--json')
    expect(readdirSync(folder)).toEqual(before)
    await predict('--point', '75,40', '--format', 'rle', '--out', at('as json'))
    const { objects } = JSON.parse(onStdout.out) as Told
    expect((JSON.parse(await readFile(at('as json/masks.json'), 'utf8')) as Told).objects).toEqual(objects)
    expect(existsSync(at('as json/overlay.png'))).toBe(true)
  })

  it('writes the best mask of each object in a format of annotations', async () => {
    const out = at('annotations')
    const boxes = ['--box', '30,10,105,90', '--box', '5,5,60,60', '--multimask']
    const { objects } = await told(...boxes, '--format', 'coco', '--shapes', 'mask', '--out', out)
    expect(resultsIn(out)).toEqual(['annotations.json', 'overlay.png'])
    const { images, annotations } = JSON.parse(await readFile(join(out, 'annotations.json'), 'utf8')) as {
      images: unknown
      annotations: { segmentation: unknown; score: number }[]
    }
    expect(images).toEqual([{ id: 1, file_name: 'a photo.png', width: 150, height: 100 }])
    expect(annotations.map(({ segmentation, score }) => [segmentation, score])).toEqual(
      objects.map(({ masks }) => [masks[0].segmentation, masks[0].predicted_iou])
    )
  })

  it('refines masks from a picture, COCO RLE and saved tensors', async () => {
    await predict('--box', '30,10,105,90', '--single', '--out', at('first'), '--save-tensors', at('first.safetensors'))
    const rle = (await told('--box', '30,10,105,90', '--single', '--format', 'rle')).objects[0].masks[0].segmentation
    await writeFile(at('first.json'), JSON.stringify(rle))
    const refined = await Promise.all(
      [at('first/mask-1.png'), at('first.json'), at('first.safetensors')].map(mask =>
        told('--point', '75,40', '--mask', mask, '--format', 'rle')
      )
    )
    expect(refined[0].objects[0].masks).toEqual(refined[1].objects[0].masks)
    expect(refined[2].objects[0].masks[0].area).toBeGreaterThan(0)
  })

  it('decodes several boxes as several objects', async () => {
    const { objects } = await told('--box', '30,10,105,90', '--box', '5,5,60,60', '--multimask', '--format', 'rle')
    const alone = await told('--box', '5,5,60,60', '--multimask', '--format', 'rle')
    expect(objects).toHaveLength(2)
    expect(objects[1].masks.map(m => m.segmentation)).toEqual(alone.objects[0].masks.map(m => m.segmentation))
  })

  it('starts another object at --object', async () => {
    const out = at('objects')
    const { code } = await predict(
      '--point',
      '75,40',
      '--point',
      '135,80,0',
      '--object',
      '--box',
      '30,10,105,90',
      '--out',
      out
    )
    expect(code).toBe(0)
    expect(resultsIn(out)).toEqual([
      'object-1-mask-1.png',
      'object-2-mask-1.png',
      'object-2-mask-2.png',
      'object-2-mask-3.png',
      'overlay.png'
    ])
  })

  it('predicts the same from a saved embedding, and refuses that of another photo', async () => {
    expect((await sam(['embed', photo, ...model, '--out', folder])).out).toBe(
      `${at('a photo.embedding.safetensors')}\n`
    )
    const embedding = [
      '--embedding',
      at('a photo.embedding.safetensors'),
      '--point',
      '75,40',
      '--json',
      '--format',
      'rle',
      ...model
    ]
    const { objects } = JSON.parse((await sam(['predict', ...embedding])).out) as Told
    expect(objects).toEqual((await told('--point', '75,40', '--format', 'rle')).objects)
    const other = at('other.png')
    await writeFile(other, await readFile(fileOfDemo))
    expect(JSON.parse((await sam(['predict', other, ...embedding])).out)).toMatchObject({
      error: { code: 'E_BAD_EMBEDDING' }
    })
  })
  const fileOfDemo = new URL('../assets/coffee.jpg', import.meta.url)

  it('reads a photo from standard input', async () => {
    const { out } = await sam(['predict', '-', ...model, '--point', '75,40', '--json', '--format', 'rle'], {
      stdin: await tinyPhoto()
    })
    expect((JSON.parse(out) as Told).objects).toEqual((await told('--point', '75,40', '--format', 'rle')).objects)
  })

  it('accepts file names with dashes, spaces and other scripts', async () => {
    const strange = at('-фото 猫.png')
    await copyFile(photo, strange)
    const { code } = await sam(['predict', ...model, '--point', '75,40', '--out', at('-Ausgabe ö'), '--', strange])
    expect(code).toBe(0)
    expect(existsSync(at('-Ausgabe ö/overlay.png'))).toBe(true)
  })

  describe('refuses, before any work', () => {
    it.each([
      [['--point', '3'], /must be x,y/],
      [['--point', '3,nan'], /must be x,y/],
      [['--point', '3,4,2'], /must be 1 .* or 0/],
      [['--box', '1,2,3'], /must be x0,y0,x1,y1/],
      [[], /at least one of --point, --box, --mask/],
      [['--point', '1,1', '--object'], /--object must be followed/],
      [['--point', '1,1', '--box', '1,1,5,5', '--box', '2,2,6,6'], /several boxes are several objects/],
      [['--mask', 'a.png', '--mask', 'b.png'], /one object takes one --mask/],
      [['--point', '1,1', '--multimask', '--single'], /cannot be used with/],
      [['--point', '1,1', '--backend', 'tpu'], /Allowed choices are cpu, cuda, webgpu/],
      [['--point', '1,1', '--format', 'gif'], /Allowed choices are png, rle, polygon/],
      [['--point', '1,1', '--frobnicate'], /unknown option/],
      [['--point', '1,1', '--model', 'vit_x'], /--model must be one of vit_b/]
    ])('%j', async (argv, message) => {
      const { code, out, err } = await sam(['predict', photo, '--quiet', ...argv])
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toMatch(message)
      const asJson = await sam(['predict', photo, '--quiet', '--json', ...argv])
      expect(asJson).toMatchObject({ code: 2, err: '' })
      expect(JSON.parse(asJson.out)).toEqual({
        error: { code: 'E_USAGE', message: expect.stringMatching(message) as string }
      })
    })

    it.each([
      [['--point', '151,40'], /points\[0\] must lie in the photo, 0 … 150 × 0 … 100, found 151, 40/],
      [['--point', '75,40', '--object', '--point', '75,-1'], /points\[0\] must lie in the photo/],
      [['--box', '50,50,10,60'], /box must have x0 < x1 and y0 < y1/],
      [['--box', '200,10,300,20'], /box must have x0 < x1 and y0 < y1 inside the photo/]
    ])('%j, before opening the checkpoint', async (argv, message) => {
      const { code, out } = await sam([
        'predict',
        photo,
        '--checkpoint',
        at('no such.pth'),
        '--quiet',
        '--json',
        '--format',
        'rle',
        ...argv
      ])
      expect(code).toBe(1)
      expect(JSON.parse(out)).toEqual({
        error: { code: 'E_BAD_PROMPT', message: expect.stringMatching(message) as string }
      })
    })

    it('a result that would overwrite the photo, also through a link', async () => {
      await symlink(folder, at('link'))
      await copyFile(photo, at('overlay.png'))
      const { code, err } = await sam(['predict', at('overlay.png'), ...model, '--point', '1,1', '--out', at('link')])
      expect([code, err]).toEqual([2, expect.stringMatching(/would be overwritten/)])
      expect((await predict('--point', '1,1', '--save-tensors', photo)).code).toBe(2)
    })
  })

  it.each([
    ['E_BAD_PROMPT', ['--point', '75,1000']],
    ['E_BAD_IMAGE', ['--point', '1,1', '--mask', fixture('tiny-io.json').replace('.json', '.pth')]],
    ['E_INPUT', ['--point', '1,1', '--mask', fixture('tiny-io.json')]],
    ['E_OUTPUT', ['--point', '1,1', '--out', fixture('tiny-io.json')]],
    ['E_BAD_EMBEDDING', ['--point', '1,1', '--embedding', fixture('tiny-io.safetensors')]]
  ])('exits with 1 and reports %s as JSON or text', async (code, argv) => {
    const asJson = await predict(...argv, '--json', '--format', 'rle')
    expect(asJson.code).toBe(1)
    expect(JSON.parse(asJson.out)).toEqual({ error: { code, message: expect.any(String) as string } })
    expect(await predict(...argv)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^sam: /) as string })
  })

  it('exits with 130 when aborted, and leaves no file', async () => {
    const before = readdirSync(folder)
    const controller = new AbortController()
    const running = sam(
      [
        'predict',
        photo,
        ...model,
        '--point',
        '1,1',
        '--json',
        '--format',
        'rle',
        '--save-tensors',
        at('never.safetensors')
      ],
      { signal: controller.signal }
    )
    controller.abort()
    const { code, out } = await running
    expect(code).toBe(130)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'E_ABORTED' } })
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('sam predict, bundled models', async () => {
  const folder = await workFolder()
  const cat = fileURLToPath(new URL('../assets/cat.jpg', import.meta.url))
  const click = ['predict', cat, '--point', '178,117', '--json', '--format', 'rle']
  const bestOf = (out: string) => (JSON.parse(out) as Told).objects[0].masks[0]

  it('segments a photo with MobileSAM by default', async () => {
    const { code, out, err } = await sam(click)
    expect(code, err).toBe(0)
    expect(err).toContain('no --checkpoint: MobileSAM')
    expect(JSON.parse(out)).toMatchObject({ model: 'mobile_sam' })
    // The cat's eye: an ellipse of 70 × 60 pixels, drawn by hand.
    const { width, height } = JSON.parse(out) as Told
    const eye = Mask.fromBitmap({
      width,
      height,
      data: Uint8Array.from({ length: width * height }, (_, i) =>
        ((i % width) - 171) ** 2 / 35 ** 2 + (Math.floor(i / width) - 117) ** 2 / 30 ** 2 < 1 ? 1 : 0
      )
    })
    const found = Mask.fromRle(bestOf(out).segmentation as Parameters<typeof Mask.fromRle>[0])
    expect(iouOf(found.bitmap(), eye.bitmap())).toBeGreaterThan(0.85)
    expect((await sam([...click, '--model', 'mobile_sam', '-q'])).out).toBe(out)
  }, 60_000)

  it('uses the tiny model with --model tiny', async () => {
    const { code, out } = await sam([...click, '--model', 'tiny', '-q'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ model: 'tiny' })
  })

  it.each(['vit_b', join(folder, 'config.json')])('refuses --model %s without --checkpoint', async model => {
    await writeFile(join(folder, 'config.json'), tinyConfig)
    const { code, out } = await sam([...click, '--model', model])
    expect(code).toBe(2)
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'E_USAGE',
        message: `--model ${model} needs --checkpoint FILE, its weights; without --checkpoint it must be mobile_sam or tiny`
      }
    })
  })
})
