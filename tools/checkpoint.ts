import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SamConfig } from '@sam/core'
import { decodeMasks, encodeImage, writeFileAtomic, writePth } from '@sam/core/model'
import { nameOf, paramsOf } from '@sam/core/graph'
import { hashWeights } from '@sam/core/testing'

/** The seed of every reference number. */
export const seed = 2023

/** Path of a real .pth of this size with hash-filled weights; written once, by the project's own writer. */
export async function hashCheckpoint(config: SamConfig, folder = '.cache/verify'): Promise<string> {
  const path = join(folder, `${config.name}.pth`)
  if (existsSync(path)) return path
  process.stderr.write(`${config.name}: writing ${path}\n`)
  mkdirSync(folder, { recursive: true })
  const params = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })].flatMap(paramsOf)
  const wanted = [...new Map(params.map(p => [nameOf(p)!, p.shape]))].map(([name, shape]) => ({ name, shape }))
  await writeFileAtomic(path, writePth(hashWeights(wanted, seed)))
  return path
}
