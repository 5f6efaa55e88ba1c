import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SamConfig } from '@sam/core'
import { decodeMasks, encodeImage, writeFileAtomic, writePth } from '@sam/core/model'
import { nameOf, paramsOf, type WantedWeight } from '@sam/core/graph'
import { hashWeights } from '@sam/core/testing'

/** The seed of every reference number. */
export const seed = 2023

/**
 * Path of a real .pth of this size with hash-filled weights; written once, by the project's own writer. Its name says
 * all that its bytes depend on.
 */
export async function hashCheckpoint(config: SamConfig, folder = '.cache/verify'): Promise<string> {
  const params = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })].flatMap(paramsOf)
  const wanted = [...new Map(params.map(p => [nameOf(p)!, p.shape]))].map(([name, shape]) => ({ name, shape }))
  const path = join(folder, `${config.name}-${await fingerprint(wanted)}.pth`)
  if (existsSync(path)) return path
  process.stderr.write(`${config.name}: writing ${path}\n`)
  mkdirSync(folder, { recursive: true })
  await writeFileAtomic(path, writePth(hashWeights(wanted, seed)))
  return path
}

/**
 * A hash of every name and shape, and of a small file of the same names and ranks: it changes with the seed, with what
 * `hashFill` fills in and with what `writePth` writes.
 */
async function fingerprint(wanted: readonly WantedWeight[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(wanted))
  const small = wanted.map(({ name, shape }) => ({ name, shape: shape.map(size => Math.min(size, 2)) }))
  for await (const chunk of writePth(hashWeights(small, seed))) hash.update(chunk)
  return hash.digest('hex').slice(0, 16)
}
