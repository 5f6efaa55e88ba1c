import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodePng, Mask } from '@sam/core'
import { annotationFormats } from '@sam/annotations'
import { describe, expect, it } from 'vitest'
import { resultsIn, sam, workFolder } from './sam.js'

describe('sam convert-annotations', async () => {
  const folder = await workFolder()
  const mask = Mask.fromBitmap({ width: 4, height: 3, data: Uint8Array.of(1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0) })
  const annotations = [{ id: 7, image_id: 1, category_id: 2, segmentation: mask.toCocoRle() }]
  const coco = { images: [{ id: 1, file_name: 'ä.png', width: 4, height: 3 }], categories: [{ id: 2, name: 'ring' }] }
  const input = join(folder, 'instances.json')
  await writeFile(input, JSON.stringify({ ...coco, annotations }))
  await mkdir(join(folder, 'photos'))
  const photo = { width: 4, height: 3, channels: 1, data: new Uint8Array(12) } as const
  await writeFile(join(folder, 'photos', 'ä.png'), await encodePng(photo))

  it.each(annotationFormats)('coco to %s and back: the same mask', async to => {
    const [there, back] = [join(folder, to), join(folder, `${to}.json`)]
    expect(await sam(['convert-annotations', input, '--to', to, '--out', there, '-q'])).toEqual({
      code: 0,
      out: `${there}: 1 objects of 1 images, coco to ${to}\n`,
      err: ''
    })
    const photos = ['--images', join(folder, 'photos')]
    const { code, out } = await sam([
      'convert-annotations',
      there,
      '--to',
      'coco',
      '--out',
      back,
      ...photos,
      '--json',
      '-q'
    ])
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { from: to, to: 'coco', out: back, images: 1, objects: 1, files: 1, skipped: [] }
    ])
    const read = JSON.parse(await readFile(back, 'utf8')) as typeof coco & { annotations: typeof annotations }
    expect(read.images[0]).toMatchObject({ file_name: 'ä.png', width: 4, height: 3 })
    expect(read.categories).toEqual([{ id: 1, name: 'ring' }])
    expect(read.annotations.map(({ segmentation }) => segmentation)).toEqual([mask.toCocoRle()])
  })

  it('reports annotations that are no mask, and exits with 1', async () => {
    const odd = join(folder, 'odd.json')
    await writeFile(
      odd,
      JSON.stringify({ ...coco, annotations: [...annotations, { image_id: 1, bbox: [0, 0, 2, 2] }] })
    )
    const out = join(folder, 'odd')
    const { code, err } = await sam(['convert-annotations', odd, '--to', 'geojson', '--out', out, '-q'])
    expect([code, err]).toEqual([1, expect.stringMatching(/^sam: skipped: odd\.json: annotations\[1\]: .*\n$/)])
    expect(resultsIn(out)).toEqual(['ä.geojson'])
  })

  it.each([
    ['a wrong format', [input, '--to', 'coca', '--out', 'x'], 2, 'Allowed choices'],
    ['no output', [input, '--to', 'yolo'], 2, '--out'],
    ['an input that would be overwritten', [input, '--to', 'coco', '--out', input], 2, 'would be overwritten'],
    ['a file of no format', [join(folder, 'photos', 'ä.png'), '--to', 'coco', '--out', 'x'], 1, 'one of the formats'],
    ['a folder without annotations', [join(folder, 'photos'), '--to', 'coco', '--out', 'x'], 1, 'found none'],
    ['a missing file', [join(folder, 'no.json'), '--to', 'coco', '--out', 'x'], 1, 'no such file'],
    ['a large file', [input, '--to', 'coco', '--out', 'x', '--max-bytes', '9'], 1, 'raise maxBytes, or --max-bytes'],
    ['sizes that nothing states', [join(folder, 'yolo'), '--to', 'coco', '--out', 'x'], 1, '--images']
  ])('refuses %s', async (_, argv, code, message) => {
    expect(await sam(['convert-annotations', ...argv, '-q'])).toEqual({
      code,
      out: '',
      err: expect.stringContaining(message)
    })
  })
})
