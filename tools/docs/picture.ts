/**
 * Draws docs/images/masks.jpg, the picture of the README, with MobileSAM on the photo and prompts of `sam demo`:
 * `node tools/run.js tools/docs/picture.ts`.
 */
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { cpu } from '@sam/backend-cpu'
import { decodeImage, encodePng, loadSam, overlay, type Mask, type OverlayOptions, type Prompt } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import { coffee, coffeePhoto } from '../../apps/cli/src/demo-examples.js'

const gap = 8

const backend = await cpu()
const sam = await loadSam({ weights: (await mobileModel()).weights, backend })
const photo = await decodeImage(coffeePhoto)
const image = await sam.encode(photo)

const promptOf = (name: string): Prompt => coffee.find(example => example.name === name)!.prompt
const [ambiguous, corrected] = [promptOf('click').points!, promptOf('corrected').points!]
const first = corrected.slice(0, 1)
const best = async (prompt: Prompt): Promise<Mask[]> => (await image.predict(prompt)).masks.slice(0, 1)
const panels: [caption: string, masks: readonly Mask[], options?: OverlayOptions][] = [
  ['a click', await best({ points: first }), { points: first }],
  ['corrected by a background click', await best({ points: corrected }), { points: corrected }],
  ['one click, three candidates', (await image.predict({ points: ambiguous })).masks, { points: ambiguous }],
  ['all masks', (await image.generateMasks()).map(({ mask }) => mask)]
]

const [width, height] = [photo.width + gap, photo.height + gap]
const layers = await Promise.all(
  panels.map(async ([caption, masks, options], i) => {
    const [left, top] = [(i % 2) * width, Math.floor(i / 2) * height]
    return [
      { input: Buffer.from(await encodePng(overlay(photo, masks, options))), left, top },
      { input: captionOf(caption), left, top }
    ]
  })
)
await sharp({ create: { width: 2 * width - gap, height: 2 * height - gap, channels: 3, background: 'white' } })
  .composite(layers.flat())
  .jpeg({ quality: 85, mozjpeg: true })
  .toFile(fileURLToPath(new URL('../../docs/images/masks.jpg', import.meta.url)))

image.dispose()
await sam.dispose()
backend.dispose()

/** The text in white on a dark label in the lower left corner of a panel, as SVG. */
function captionOf(text: string): Buffer {
  const label = { x: 12, y: photo.height - 52, width: 24 + 11.5 * text.length, height: 40 }
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${photo.width}" height="${photo.height}">` +
      `<rect x="${label.x}" y="${label.y}" width="${label.width}" height="${label.height}" rx="8" fill-opacity="0.7"/>` +
      `<text x="${label.x + label.width / 2}" y="${label.y + 28}" font-family="sans-serif" font-size="22" fill="#fff" ` +
      `text-anchor="middle">${text}</text></svg>`
  )
}
