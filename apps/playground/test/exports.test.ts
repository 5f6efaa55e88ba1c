import { readAnnotations } from '@sam/annotations'
import { Mask } from '@sam/core'
import { decode } from 'fast-png'
import { unzipSync } from 'fflate'
import sharp from 'sharp'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addBoxes, exportFile, objectsOf, openSample, photo, status, useSite } from './harness.js'

const site = useSite('exports')

it('exports every format, whose files hold exactly the masks on the screen, and never an empty one', async () => {
  const { page, context, trouble } = await site.open()
  await status(page, /Model/)
  await openSample(page, 'Shapes')
  await addBoxes(page, [
    [20, 60, 130, 200],
    [190, 60, 300, 170],
    [240, 200, 330, 280]
  ])
  const card = page.locator('.card[data-tab=export]')
  // An object without a mask: a stroke that is erased.
  await page.evaluate(() => {
    const annotator = document.querySelector('sam-annotator')!
    annotator.select()
    annotator.addStroke([[10, 10]], { radius: 3 })
    annotator.addStroke([[10, 10]], { radius: 400, erase: true })
  })
  await card.getByText('1 without a mask left out').waitFor()
  const masks = (await objectsOf(page)).flatMap(({ mask }) => (mask?.area ? [mask] : []))
  expect(masks).toHaveLength(3)
  const [{ width, height }] = masks

  for (const [label, format] of [
    ['COCO', 'coco'],
    ['Label Studio', 'label-studio'],
    ['SVG', 'svg'],
    ['YOLO', 'yolo']
  ] as const) {
    const { name, bytes } = await exportFile(page, label)
    const files = name.endsWith('.zip')
      ? new Map(Object.entries(unzipSync(bytes)))
      : new Map([[name, new Uint8Array(bytes)]])
    const [image] = await readAnnotations(files, {
      format,
      findImage: async () => ({ file: 'scene.jpg', width, height })
    })
    expect(image.objects.map(({ mask }, i) => mask.iou(masks[i]))).toEqual([1, 1, 1])
    await status(page, /1 without a mask left out/)
  }

  const maskFiles = Object.entries(unzipSync((await exportFile(page, 'Masks')).bytes))
  expect(maskFiles.map(([name]) => name)).toEqual([1, 2, 3].map(n => `scene-Object ${n}.png`))
  for (const [i, [, png]] of maskFiles.entries()) {
    const data = await sharp(png).toColourspace('b-w').raw().toBuffer()
    expect(Mask.fromBitmap({ width, height, data: new Uint8Array(data) }).iou(masks[i])).toBe(1)
  }

  const labels = unzipSync((await exportFile(page, 'Label map')).bytes)
  const { data } = decode(labels['scene-labels.png'])
  const painted = new Uint8Array(width * height)
  for (const [i, mask] of [...masks.entries()].sort(([, a], [, b]) => b.area - a.area))
    mask.bitmap().forEach((inside, at) => inside && (painted[at] = i + 1))
  expect(Buffer.compare(Buffer.from(data as Uint8Array), painted)).toBe(0)

  await page.evaluate(() => document.querySelector('sam-annotator')!.select(2))
  const cut = await exportFile(page, 'Cut-outs', 'This object')
  expect(cut.name).toBe('scene-Object 2.png')
  const { data: rgba, info } = await sharp(cut.bytes).raw().toBuffer({ resolveWithObject: true })
  const [x0, y0, x1, y1] = masks[1].boxXyxy
  expect([info.width, info.height]).toEqual([x1 - x0, y1 - y0])
  const bits = masks[1].bitmap()
  let wrong = 0
  for (let y = y0; y < y1; y++)
    for (let x = x0; x < x1; x++)
      if (rgba[((y - y0) * info.width + x - x0) * 4 + 3] > 0 !== bits[y * width + x] > 0) wrong++
  expect(wrong).toBe(0)
  expect(trouble).toEqual([])
  await context.close()
}, 120_000)

it('exports all pictures as one zip, and copies a cut-out to the clipboard', async () => {
  const { page, context, trouble } = await site.open()
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await status(page, /Model/)
  await openSample(page, 'Shapes')
  await addBoxes(page, [[20, 60, 130, 200]])
  const [scene] = await objectsOf(page)
  const chooser = page.waitForEvent('filechooser')
  await page.locator('.card', { hasText: 'Pictures' }).getByRole('button', { name: 'Add', exact: true }).click()
  await (await chooser).setFiles(photo)
  await status(page, /cat.jpg encoded in/)
  await addBoxes(page, [[100, 60, 350, 280]])
  const [cat] = await objectsOf(page)
  const { name, bytes } = await exportFile(page, 'COCO', 'All pictures')
  expect(name).toBe('annotations.json')
  const images = await readAnnotations(new Map([[name, new Uint8Array(bytes)]]))
  expect(images.map(({ file }) => file)).toEqual(['scene.jpg', 'cat.jpg'])
  expect(images.map(({ objects }, i) => objects[0].mask.iou([scene, cat][i].mask!))).toEqual([1, 1])
  const zip = await exportFile(page, 'SVG', 'All pictures')
  expect(zip.name).toBe('all-pictures-svg.zip')
  expect(Object.keys(unzipSync(zip.bytes))).toEqual(['scene.svg', 'cat.svg'])

  await page.getByRole('button', { name: 'Copy cut-out' }).click()
  await status(page, /copied/)
  const size = await page.evaluate(async () => {
    const [item] = await navigator.clipboard.read()
    const { width, height } = await createImageBitmap(await item.getType('image/png'))
    return [width, height]
  })
  expect(size).toEqual(cat.mask!.boxXywh.slice(2))
  expect(trouble).toEqual([])
  await context.close()
}, 120_000)

/** The vertices of the outlines on the stage, of the visible objects in their order; of those without, undefined. */
const drawnVertices = (page: Page): Promise<(number[] | undefined)[] | undefined> =>
  page.evaluate(() => {
    const { outlines, objects } = document.querySelector('sam-annotator')!
    const drawn = objects.map(({ mask }) => outlines?.get(mask!)).filter(outline => outline !== undefined)
    return outlines && drawn.map(({ vertices }) => vertices && Array.from(vertices))
  })

it('writes the outlines that the stage shows, with the number of vertices that the slider says', async () => {
  const { page, context } = await site.open()
  await status(page, /Model/)
  await openSample(page, 'Shapes')
  await addBoxes(page, [
    [20, 60, 130, 200],
    [190, 60, 300, 170]
  ])
  const card = page.locator('.card[data-tab=export]')
  await card.getByLabel('Format').selectOption({ label: 'SVG' })
  expect(await drawnVertices(page)).toBe(undefined)
  await card.getByText('Edges', { exact: true }).click()
  const counts: number[] = []
  for (const [tolerance, smooth] of [
    ['0', false],
    ['2', false],
    ['2', true]
  ] as const) {
    await card.getByLabel('Outline tolerance').fill(tolerance)
    await card.getByLabel('Smooth edges').setChecked(smooth)
    const svg = (await exportFile(page, 'SVG')).bytes.toString()
    const written = [...svg.matchAll(/ d="([^"]*)"/g)].map(([, d]) => d.match(/[\d.]+/g)!.map(Number))
    const corners = written.flat().length / 2
    await card.getByText(`${corners.toLocaleString('en')} vertices`).waitFor()
    expect((await drawnVertices(page))!.map(drawn => drawn!.map(at => Number(at.toFixed(2))))).toEqual(written)
    counts.push(corners)
  }
  expect(counts[1]).toBeLessThan(counts[0] / 2)
  expect(counts[2]).not.toBe(counts[1])

  // A format of pixels has no vertices; what is hidden is not exported; closed, the masks are shown as they are.
  await card.getByLabel('Format').selectOption({ label: 'Masks' })
  await expect.poll(() => drawnVertices(page)).toEqual([undefined, undefined])
  await page.getByRole('button', { name: 'Hide Object 1' }).click()
  await expect.poll(() => drawnVertices(page)).toEqual([undefined])
  await card.getByText('Edges', { exact: true }).click()
  await expect.poll(() => drawnVertices(page)).toBe(undefined)
  await context.close()
}, 120_000)
