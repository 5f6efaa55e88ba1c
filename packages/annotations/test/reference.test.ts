/** Files that pycocotools, label-studio-sdk and datumaro wrote: tools/reference/annotations.py. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Mask, type CocoRle } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { readAnnotations, writeAnnotations, type AnnotatedImage } from '../src/index.js'

const folder = fileURLToPath(new URL('../../../fixtures/annotations', import.meta.url))
const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const truths = json('masks.json') as { category: string; segmentation: CocoRle }[]

/** A file, or the files below a folder. */
function filesIn(name: string): Map<string, Uint8Array> {
  const path = join(folder, name)
  const names = statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, encoding: 'utf8' }).map(file => join(path, file))
  return new Map(
    names
      .filter(file => statSync(file).isFile())
      .map(file => [relative(path, file) || name, new Uint8Array(readFileSync(file))])
  )
}

const pixels = (mask: Mask): string => [...mask.bitmap()].join('')

describe('reads exactly what was written by', () => {
  it.each([
    ['label-studio-sdk', 'label-studio-sdk.json'],
    ['datumaro, COCO', 'datumaro/coco_instances'],
    ['datumaro, CVAT', 'datumaro/cvat'],
    ['datumaro, VOC', 'datumaro/voc_segmentation']
  ])('%s', async (_, name) => {
    const [image, ...others] = await readAnnotations(filesIn(name))
    expect(others).toEqual([])
    expect([image.file, image.width, image.height]).toEqual(['photo.jpg', 24, 18])
    expect(image.objects.map(({ category, mask }) => [category, pixels(mask)])).toEqual(
      truths.map(({ category, segmentation }) => [category, pixels(Mask.fromRle(segmentation))])
    )
  })

  it('pycocotools: RLE of both kinds, crowds, and polygons on half pixels nearly as it fills them', async () => {
    const [{ objects }] = await readAnnotations(filesIn('pycocotools.json'))
    expect(objects.map(({ id, category, crowd }) => [id, category, crowd])).toEqual([
      ['1', 'ring', undefined],
      ['2', 'two parts', true],
      ['5', 'pixel', undefined]
    ])
    const { annotations } = json('pycocotools.json') as { annotations: { mask: CocoRle }[] }
    for (const i of [0, 1]) expect(pixels(objects[i].mask)).toBe(pixels(Mask.fromRle(truths[i].segmentation)))
    // pycocotools rounds polygons to a fifth of a pixel; pixels whose centres are on an edge may differ.
    expect(objects[2].mask.iou(Mask.fromRle(annotations[2].mask))).toBeGreaterThan(0.9)
  })
})

it('writes COCO RLE as pycocotools packs it', () => {
  const objects = truths.map(({ category, segmentation }, i) => ({
    id: String(i + 1),
    category,
    mask: Mask.fromRle(segmentation)
  }))
  const image: AnnotatedImage = { file: 'photo.jpg', width: 24, height: 18, objects }
  const [[, bytes]] = writeAnnotations([image], { format: 'coco' })
  const { annotations } = JSON.parse(new TextDecoder().decode(bytes)) as { annotations: { segmentation: CocoRle }[] }
  expect(annotations.map(({ segmentation }) => segmentation)).toEqual(truths.map(({ segmentation }) => segmentation))
})
