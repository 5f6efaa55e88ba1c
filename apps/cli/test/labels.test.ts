import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '@sam/core'
import { fixture, sam, workFolder } from './sam.js'

const at = (name: string): string => fixture(`cases/${name}`)
const cocoCase = (name: string, json: string): string =>
  `coco:${join(at(name), `${json}.json`)},${join(at(name), 'imgs')}`

interface Outcome {
  readonly objects: number
  readonly images: number
  readonly skipped: { readonly images: number; readonly masks: number }
}

/** Objects, images, skipped images and skipped masks of an evaluation; or its error. */
async function evaluated(data: string): Promise<readonly [number, number, number, number] | string> {
  const { code, out } = await sam(['eval', '--model', 'tiny', '--clicks', '1', '--json', '--quiet', '--data', data])
  const found = JSON.parse(out) as Outcome & { readonly error?: { readonly message: string } }
  return code === 0 ? [found.objects, found.images, found.skipped.images, found.skipped.masks] : found.error!.message
}

describe('sam eval on labels of other tools', async () => {
  const folder = await workFolder()
  beforeAll(async () => {
    for (const name of ['images', 'masks']) await mkdir(join(folder, name))
    const picture = await encodePng({
      width: 12,
      height: 8,
      channels: 1,
      data: new Uint8Array(96).map((_, i) => i % 5)
    })
    const mask = await encodePng({ width: 12, height: 8, channels: 1, data: new Uint8Array(96).fill(255, 0, 48) })
    for (const name of ['bäume'.normalize('NFC'), 'nomask', 'x'])
      await writeFile(join(folder, 'images', `${name}.png`), picture)
    for (const name of ['bäume'.normalize('NFD'), 'x']) await writeFile(join(folder, 'masks', `${name}.png`), mask)
  })

  it.each([
    ['a mask of one image', `folder:${at('B01-folder-mask-prefix')}`, [3, 3, 0, 0]],
    ['JSON of another size', cocoCase('B02-coco-json-size-differs', 'wrongsize'), [2, 1, 0, 0]],
    ['labels of the stored picture', `${cocoCase('B03-coco-exif-polygons', 'exif_raw6')},stored`, [2, 1, 0, 0]],
    ['a polygon of two points', cocoCase('B04-coco-one-bad-annotation', 'twopoint'), [2, 1, 0, 1]],
    ['colours', `folder:${at('B05-mask-colours')}`, [2, 1, 0, 0]],
    ['colours as one mask', `folder:${at('B05-mask-colours')},nonzero`, [1, 1, 0, 0]],
    ['names in NFD, an image without masks', `folder:${folder}`, [2, 2, 1, 0]]
  ] as const)('counts %s', async (_, data, found) => {
    expect(await evaluated(data)).toEqual(found)
  })

  it('names a duplicate id, labels of the stored picture, and a wrong option', async () => {
    expect(await evaluated(cocoCase('B08-coco-duplicate-image-id', 'dupid'))).toContain('found 1 for')
    expect(await evaluated(cocoCase('B03-coco-exif-polygons', 'exif_raw6'))).toContain("say so with 'stored'")
    expect(await evaluated(`${cocoCase('B04-coco-one-bad-annotation', 'good')},nonzero`)).toContain(
      'only folder:FOLDER'
    )
  })
})

describe('sam predict --mask', () => {
  const photo = join(at('B06-mask-01-and-labels'), 'x.png')
  const predicted = async (mask: string, ...argv: string[]): Promise<string> => {
    const [name, ...others] = argv.length ? argv : [photo]
    const { out } = await sam([
      ...['predict', name, ...others, '--mask', mask],
      ...['--model', 'tiny', '--single', '--json', '--format', 'rle', '--quiet']
    ])
    const found = JSON.parse(out) as { error?: { code: string; message: string }; objects: { masks: object[] }[] }
    return found.error ? `${found.error.code}: ${found.error.message}` : JSON.stringify(found.objects[0].masks)
  }
  const mask = (name: string): string => join(at('B06-mask-01-and-labels'), name)

  it('takes 0 and 1, one colour, and labels as one mask', async () => {
    const [binary, colour, labels] = [
      await predicted(mask('zero_one.png')),
      await predicted(join(at('B05-mask-colours'), 'green.png')),
      await predicted(mask('label16.tif,nonzero'))
    ]
    for (const found of [binary, colour, labels]) expect(found).toContain('predicted_iou')
    expect(labels).not.toBe(binary)
  })

  it('takes what sam predict --format rle wrote, where it holds one mask', async () => {
    const file = join(at('B24-own-masks-json'), 'masks.json')
    const scene = join(fixture('..'), 'apps/cli/assets/scene.jpg')
    expect(await predicted(file, scene, '--point', '300,330')).toContain('predicted_iou')
  })

  it('refuses an empty mask, and several', async () => {
    expect(await predicted(mask('black.png'))).toMatch(/^E_INPUT: .*black\.png must have pixels inside/)
    expect(await predicted(mask('label16.tif'))).toMatch(
      /^E_INPUT: .*must hold one mask, found 2, of the values 1, 2; .*label16\.tif,nonzero/
    )
  })
})

describe('savedMask', async () => {
  const { savedMask } = await import('../src/saved-mask.js')
  const folder = await workFolder()
  const read = async (json: unknown): Promise<string | number> => {
    const file = join(folder, 'mask.json')
    await writeFile(file, typeof json === 'string' ? json : JSON.stringify(json))
    return savedMask(file).then(
      ({ area }) => area,
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`
    )
  }
  const rle = { size: [4, 6], counts: [0, 8, 16] }
  const ring = [
    [0, 0],
    [3, 0],
    [3, 4],
    [0, 4],
    [0, 0]
  ]

  it('reads the one mask of a file', async () => {
    expect(await read(rle)).toBe(8)
    expect(await read(`\ufeff${JSON.stringify({ segmentation: rle, area: 8 }).replace('8}', 'NaN}')}`)).toBe(8)
    expect(await read({ annotations: [{ segmentation: rle }] })).toBe(8)
    expect(await read({ objects: [{ masks: [{ segmentation: rle }] }] })).toBe(8)
    const segmentation = { type: 'MultiPolygon', coordinates: [[ring]] }
    expect(await read({ width: 6, height: 4, objects: [{ masks: [{ segmentation }] }] })).toBe(12)
  })

  it.each([
    [
      'several masks',
      { objects: [{ masks: [{ segmentation: rle }] }, { masks: [{ segmentation: rle }] }] },
      'found 2: .objects[0]'
    ],
    ['no mask', { objects: [] }, 'must be COCO RLE'],
    ['null', null, 'must be COCO RLE'],
    ['masks as pictures', { objects: [{ masks: [{ file: 'mask-1.png' }] }] }, 'must be COCO RLE'],
    ['a polygon without a size', { segmentation: { type: 'MultiPolygon', coordinates: [[ring]] } }, 'width and height'],
    ['wrong counts', { size: [4, 6], counts: [1] }, 'counts must add up'],
    ['no JSON', '{', 'not valid JSON']
  ] as const)('refuses %s', async (_, json, why) => {
    const found = await read(json)
    expect(found).toMatch(/^E_INPUT: --mask /)
    expect(found).toContain(why)
  })
})
