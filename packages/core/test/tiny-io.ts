import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openFile } from '#io'
import { pointLabels } from '../src/sam/prompt-encoder.js'
import { f32, type HostTensor } from '../src/tensor/tensor.js'
import { openSafetensors } from '../src/weights/safetensors.js'
import type { WeightSource } from '../src/weights/source.js'

/** Path of a fixture; fixtures/README.md documents their origin. */
export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))

export const openFixture = async (name: string): Promise<WeightSource> =>
  openSafetensors(await openFile(fixturePath(name)))

export const readAll = async (source: WeightSource): Promise<Record<string, HostTensor>> =>
  Object.fromEntries(await Promise.all(source.names.map(async name => [name, await source.read(name)] as const)))

export function maxDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity
  let worst = 0
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i] - expected[i]))
  return worst
}

export interface PromptSet {
  readonly name: string
  /** x, y, x, y … in the resized input. */
  readonly points: number[]
  readonly labels: number[]
  readonly mask: HostTensor | undefined
}

/**
 * The prompt sets of tiny-io as tokens, in Meta's order: points, the padding point where there is no box, box corners.
 */
export async function promptSets(io: WeightSource): Promise<PromptSet[]> {
  interface Raw {
    point_coords?: [number, number][]
    point_labels?: number[]
    box?: number[]
  }
  const { prompts } = JSON.parse(readFileSync(fixturePath('tiny-io.json'), 'utf8')) as {
    prompts: Record<string, { prompt: Raw }>
  }
  return Promise.all(
    Object.entries(prompts).map(
      async ([
        name,
        {
          prompt: { point_coords = [], point_labels = [], box }
        }
      ]) => {
        const places = point_coords.flat()
        const labels = [...point_labels]
        if (labels.length && !box) labels.push(pointLabels.padding)
        const scaled = [...places, ...(box ?? [])].map((v, i) => Math.fround(v * (i % 2 ? 85 / 100 : 128 / 150)))
        if (labels.length && !box) scaled.push(0, 0)
        if (box) labels.push(pointLabels.topLeft, pointLabels.bottomRight)
        const mask = io.has(`${name}/mask_input`)
          ? f32([1, 32, 32], (await io.read(`${name}/mask_input`)).data)
          : undefined
        return { name, points: scaled, labels, mask }
      }
    )
  )
}
