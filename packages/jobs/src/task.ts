import { createHash } from 'node:crypto'
import type { ManifestLine } from './manifest.js'

/** One image of a job. */
export interface Task extends ManifestLine {
  /** Names the image's record: 32 hexadecimal digits of the SHA-256 of its line of the manifest. */
  readonly key: string
}

/** The task of an image: the same on every machine. */
export function taskOf({ image, prompts, phrases }: ManifestLine): Task {
  const content = JSON.stringify([image, prompts ?? null, phrases ?? null])
  const key = createHash('sha256').update(content).digest('hex').slice(0, 32)
  return { key, image, ...(prompts ? { prompts } : {}), ...(phrases ? { phrases } : {}) }
}

/** Part `index` of `count` of a job, from 0. */
export interface Shard {
  readonly index: number
  readonly count: number
}

export const wholeJob: Shard = { index: 0, count: 1 }

/** Whether a task is in a shard. Each task is in exactly one of `count`, whatever the other images are. */
export const isInShard = ({ key }: Task, { index, count }: Shard): boolean =>
  Number.parseInt(key.slice(0, 8), 16) % count === index
