import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clipConfigJson } from '@sam/clip'
import { configs } from '@sam/core'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinySam } from '../../../packages/clip/test/text-prompts.js'
import { tinyClip, tinyTokenizer, tinyWeights } from '../../../packages/clip/test/tiny-clip.js'
import { resultsIn, sam, tinyPhoto, workFolder } from './sam.js'

interface Answer {
  readonly phrase: string
  readonly images: readonly {
    readonly image: string
    readonly instances: readonly {
      readonly score: number
      readonly predicted_iou: number
      readonly area: number
      readonly segmentation?: unknown
      readonly file?: string
    }[]
  }[]
}

describe('sam text', async () => {
  const folder = await workFolder()
  const [clip, photo, other, checkpoint] = ['clip', 'photo.png', 'other.png', 'sam.safetensors'].map(name =>
    join(folder, name)
  ) as [string, string, string, string]
  const model = ['--checkpoint', checkpoint, '--clip', clip, '-q']
  beforeAll(async () => {
    await mkdir(clip)
    await writeFile(join(clip, 'config.json'), JSON.stringify(clipConfigJson(tinyClip)))
    await writeFile(join(clip, 'tokenizer.json'), JSON.stringify(tinyTokenizer()))
    await writeFileAtomic(join(clip, 'model.safetensors'), writeSafetensors(tinyWeights()))
    await writeFile(photo, await tinyPhoto())
    await writeFile(other, await tinyPhoto())
    await writeFileAtomic(
      checkpoint,
      writeSafetensors(await tinySam(tinyClip.projection), {
        metadata: { sam_config: JSON.stringify(configs['tiny-test']) }
      })
    )
  })
  const found = async (...argv: string[]): Promise<Answer> => {
    const { code, out } = await sam(['text', ...argv, ...model, '--json'])
    expect(code, out).toBe(0)
    return JSON.parse(out) as Answer
  }

  it('prints the objects that a phrase names as run lengths, best first', async () => {
    const {
      phrase,
      images: [image]
    } = await found('a photo', photo, '--threshold', '0', '--format', 'rle')
    expect([phrase, image.image]).toEqual(['a photo', photo])
    expect(image.instances.length).toBeGreaterThan(0)
    const values = image.instances.map(i => i.score * i.predicted_iou)
    expect(values).toEqual([...values].sort((a, b) => b - a))
    expect(image.instances[0].segmentation).toMatchObject({ size: [100, 150] })
  })

  it('corrects the text with clicks', async () => {
    const [alone, clicked] = [
      await found('a photo', photo, '--threshold', '0', '--format', 'rle'),
      await found('a photo', photo, '--threshold', '0', '--format', 'rle', '--point', '120,20', '--point', '5,90,0')
    ]
    expect(clicked.images[0].instances).not.toEqual(alone.images[0].instances)
  })

  it('writes pictures, named after their photos', async () => {
    const out = join(folder, 'pictures')
    const { images } = await found('a photo', photo, other, '--threshold', '0', '--limit', '1', '--out', out)
    expect(images.map(({ instances }) => instances.map(i => i.file))).toEqual([
      [join(out, 'photo-mask-1.png')],
      [join(out, 'other-mask-1.png')]
    ])
    expect(resultsIn(out)).toEqual(['other-mask-1.png', 'other-overlay.png', 'photo-mask-1.png', 'photo-overlay.png'])
  })

  it('writes annotations of all photos: the phrase is the category, the text score the score', async () => {
    const out = join(folder, 'coco')
    const { code } = await sam([
      'text',
      'a photo',
      photo,
      other,
      ...model,
      '--threshold',
      '0',
      '--format',
      'coco',
      '--out',
      out
    ])
    expect(code).toBe(0)
    const coco = JSON.parse(await readFile(join(out, 'annotations.json'), 'utf8')) as {
      images: object[]
      categories: object[]
      annotations: { id: number; image_id: number; score: number }[]
    }
    expect([coco.images.length, coco.categories]).toEqual([2, [{ id: 1, name: 'a photo' }]])
    expect(coco.annotations.map(a => a.id)).toEqual(coco.annotations.map((_, i) => i + 1))
    expect(new Set(coco.annotations.map(a => a.image_id))).toEqual(new Set([1, 2]))
    const { images } = await found('a photo', photo, other, '--threshold', '0', '--format', 'rle')
    const scores = images.flatMap(({ instances }) => instances.map(({ score }) => score))
    expect(coco.annotations.map(a => a.score)).toEqual(scores)
  })

  it('reports that a phrase matches nothing', async () => {
    const { code, out } = await sam([
      'text',
      'a photo',
      photo,
      ...model,
      '--not',
      'a b',
      '--threshold',
      '1',
      '--out',
      join(folder, 'nothing')
    ])
    expect([code, out]).toEqual([0, `a photo: not in ${photo}\n${join(folder, 'nothing', 'overlay.png')}\n`])
  })

  const refused: Readonly<Record<string, readonly [argv: readonly string[], code: number, why: string]>> = {
    'an empty phrase': [[' ', '{photo}', ...model], 1, 'white space'],
    'a phrase that is too long': [['word '.repeat(10_000), '{photo}', ...model], 1, 'characters'],
    'more tokens than the CLIP takes': [['a b '.repeat(100), '{photo}', ...model], 1, 'tokens'],
    'MobileSAM without a CLIP': [['a', '{photo}', '--model', 'mobile_sam'], 2, 'give --clip FOLDER'],
    'MobileSAM with --route prompt': [['a', '{photo}', '--clip', clip, '--route', 'prompt'], 2, 'give --route rank'],
    'a checkpoint without a CLIP': [['a', '{photo}', '--checkpoint', checkpoint], 2, '--clip'],
    'a missing CLIP': [['a', '{photo}', '--checkpoint', checkpoint, '--clip', join(folder, 'none')], 1, 'config.json'],
    'a click outside the photo': [['a', '{photo}', ...model, '--point', '500,500'], 1, 'point'],
    'clicks for several photos': [['a', '{photo}', other, ...model, '--point', '5,5'], 2, 'one photo'],
    'clicks with --route rank': [['a', '{photo}', ...model, '--route', 'rank', '--point', '5,5'], 2, '--route rank'],
    'two photos of the same name': [['a', '{photo}', '{photo}', ...model], 2, 'named after'],
    'a missing photo': [['a', join(folder, 'none.png'), ...model], 1, 'none.png'],
    'a threshold above 1': [['a', '{photo}', ...model, '--threshold', '2'], 1, 'threshold']
  }
  for (const [what, [argv, code, why]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const outcome = await sam(['text', ...argv.map(a => (a === '{photo}' ? photo : a)), '--json'])
      expect(outcome.code, outcome.out).toBe(code)
      expect((JSON.parse(outcome.out) as { error: { message: string } }).error.message).toContain(why)
    })
  }

  it('accepts other scripts and emoji, and exits with 130 when aborted', async () => {
    for (const phrase of ['кошка', '猫', '🐈'])
      expect((await found(phrase, photo, '--format', 'rle')).phrase).toBe(phrase)
    const stop = AbortSignal.abort(new Error('stopped'))
    expect((await sam(['text', 'a', photo, ...model], { signal: stop })).code).toBe(130)
  })
})
