import { Mask, type Instance, type MaskUpdate, type Prompt } from '@sam/core'
import type { ImageLike, SamLike } from '../src/index.js'

export const [width, height] = [64, 48]

/** The pixels within a box, as a mask of the fake's pictures. */
export function rectangle([x0, y0, x1, y1]: readonly [number, number, number, number], predictedIou = 0.9): Mask {
  const data = new Uint8Array(width * height)
  for (let y = Math.max(0, y0); y < Math.min(height, y1); y++)
    data.fill(1, y * width + Math.max(0, x0), y * width + Math.min(width, x1))
  return new Mask({ width, height, data, predictedIou })
}

/** What the fake model does and was asked. */
export interface Fake {
  readonly sam: SamLike
  readonly asked: Prompt[]
  readonly aborted: () => number
  /** While true, predictions wait for `release`. */
  hold: boolean
  release(): Promise<void>
  found: Instance[]
  updates: MaskUpdate[]
  encoded: number
  /** Thrown by the next predictions. */
  error?: Error | undefined
  empty: boolean
}

/** A model with known masks: the box, else 11 × 11 pixels around the last foreground point; of three, smaller ones. */
export function fakeSam(): Fake {
  let waiting: (() => void)[] = []
  let aborted = 0
  const masksOf = ({ points = [], box, mask }: Prompt, multimask: unknown): Mask[] => {
    if (fake.empty) return [rectangle([0, 0, 0, 0])]
    const point = points.filter(({ label }) => label !== 'background').at(-1)
    const around = (r: number): Mask => {
      const [x, y] = [Math.floor(point?.x ?? 0), Math.floor(point?.y ?? 0)]
      return rectangle([x - r, y - r, x + r + 1, y + r + 1], 0.9 - 0.01 * (5 - r))
    }
    if (box && !point) return [rectangle(box.map(Math.round) as unknown as [number, number, number, number])]
    if (multimask === true || (points.length === 1 && !box && !mask)) return [around(5), around(4), around(3)]
    return [around(5)]
  }
  const image: ImageLike = {
    predict: (async (
      prompt: Prompt,
      { multimask, best, signal }: { multimask?: unknown; best?: boolean; signal?: AbortSignal }
    ) => {
      fake.asked.push(prompt)
      if (fake.hold && !best) await new Promise<void>(resolve => waiting.push(resolve))
      if (signal?.aborted) {
        aborted++
        throw signal.reason as Error
      }
      if (fake.error) throw fake.error
      const masks = masksOf(prompt, multimask)
      return { masks: best ? masks.slice(0, 1) : masks, tokenIndices: [] }
    }) as unknown as ImageLike['predict'],
    query: async () => fake.found,
    async *streamMasks() {
      for (const update of fake.updates) {
        await Promise.resolve()
        yield update
      }
    },
    dispose: () => {}
  }
  const fake: Fake = {
    asked: [],
    aborted: () => aborted,
    hold: false,
    async release() {
      const all = waiting
      waiting = []
      for (const go of all) go()
      await settle()
    },
    found: [],
    updates: [],
    encoded: 0,
    empty: false,
    sam: {
      text: { width: 8, embed: async () => [] },
      textWidth: 8,
      recover: async () => {},
      encode: async () => {
        fake.encoded++
        return image
      }
    }
  }
  return fake
}

/** Waits until everything that is ready has run. */
export const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))
