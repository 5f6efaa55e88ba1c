import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { refuse } from '@sam/core/graph'
import { imageFileName } from '@sam/core/model'
import { parseManifest } from './manifest.js'
import { isS3, openStorage } from './storage/open.js'
import type { Storage } from './storage/storage.js'
import { taskOf, type Task } from './task.js'

const manifestName = /\.(jsonl|ndjson|txt)$/i

/** The images of a job. */
export interface Source {
  readonly images: Storage
  /** One for each image, in order of their names. */
  readonly tasks: readonly Task[]
}

/**
 * The images below a folder or `s3://BUCKET/PREFIX`, or those of a manifest (.jsonl, .txt), whose names are below its
 * own folder, or below `images`. An image that is listed twice with the same prompts is one task. Throws `InputError`
 * `E_BAD_OPTION` where there are none, `JobError` `E_STORAGE`.
 */
export async function openSource(
  location: string,
  { images, signal }: { readonly images?: string | undefined; readonly signal?: AbortSignal | undefined } = {}
): Promise<Source> {
  const source = manifestName.test(location) && !(await isFolder(location)) ? manifest : folder
  const { tasks, ...found } = await source(location, { images, signal })
  const byKey = new Map(tasks.map(task => [task.key, task]))
  if (!byKey.size) refuse('E_BAD_OPTION', `${location}: must hold images, found none`)
  return { ...found, tasks: [...byKey.values()].sort((a, b) => order(a.image, b.image) || order(a.key, b.key)) }
}

interface From {
  readonly images: string | undefined
  readonly signal: AbortSignal | undefined
}

async function folder(location: string, { images: other, signal }: From): Promise<Source> {
  if (other !== undefined)
    refuse('E_BAD_OPTION', 'the folder of the images belongs to a manifest; give the folder itself')
  if (!isS3(location) && !(await isFolder(location)))
    refuse('E_BAD_OPTION', `${location}: must be a folder, s3://BUCKET/PREFIX, or a manifest (.jsonl, .txt)`)
  const images = await openStorage(location)
  const tasks: Task[] = []
  for await (const name of images.list('', signal)) if (imageFileName.test(name)) tasks.push(taskOf({ image: name }))
  return { images, tasks }
}

async function manifest(location: string, { images: other, signal }: From): Promise<Source> {
  const parent = isS3(location) ? location.slice(0, location.lastIndexOf('/')) : dirname(location)
  const bytes = await (await openStorage(parent)).read(basename(location), signal)
  if (!bytes) return refuse('E_BAD_OPTION', `${location}: no such file`)
  const images = await openStorage(other ?? parent)
  return { images, tasks: parseManifest(new TextDecoder().decode(bytes), location).map(taskOf) }
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
