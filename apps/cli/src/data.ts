import { scenes, type SceneOptions } from '@sam/scenes'
import { coco, imageFolder, sa1b, subset, views, type Dataset } from '@sam/train'
import { usage } from './failure.js'
import { allowPhotosOnly } from './photo.js'

/** What `--data` may be, for help and messages. */
export const dataForms = 'scenes[:SEED[:SIZE[:SIMPLE]]], coco:FILE.json,FOLDER, sa1b:FOLDER or folder:FOLDER'

/**
 * How generated scenes are made where the command line does not say: seed, longer side in pixels, and which part of
 * them has simple things.
 */
export type SceneDefaults = Pick<SceneOptions, 'seed' | 'size' | 'simple'>

/**
 * Images with masks by what a person writes: generated scenes; COCO instances; a folder of SA-1B; a folder with
 * `images` and `masks`. Throws `E_USAGE` for another form, `InputError` where the files are not there or not of that
 * kind.
 */
export async function openData(given: string, defaults: SceneDefaults): Promise<Dataset> {
  const [, kind, rest = ''] = /^(scenes|coco|sa1b|folder)(?::(.*))?$/s.exec(given) ?? []
  if (kind === 'scenes') return scenes(scenesOf(given, defaults))
  if (!rest) return refuse(given)
  await allowPhotosOnly()
  if (kind === 'sa1b') return sa1b(rest)
  if (kind === 'folder') return imageFolder(rest)
  const [, annotations, images] = /^(.*?\.json),(.+)$/s.exec(rest) ?? refuse(given)
  return coco({ annotations, images })
}

/** Scenes of this seed are held out from a training on `seed`. */
const heldOutSeed = (seed: number): number => seed + 1_000_000_000

/**
 * Images to train on and images held out from them: those that are asked for; else scenes of another seed, or the last
 * tenth of the images, which is none where there are fewer than ten.
 */
export async function openTrainingData(
  { data: given, heldOut }: { data: string; heldOut?: string | undefined },
  defaults: SceneDefaults
): Promise<{ data: Dataset; held?: Dataset }> {
  const opened = await openData(given, defaults)
  // A scene takes longer to make than to learn from.
  const { seed, ...others } = given.startsWith('scenes') ? scenesOf(given, defaults) : defaults
  const data = given.startsWith('scenes') ? views(opened, { among: 64, seed, each: 4 }) : opened
  if (heldOut !== undefined) return { data, held: await openData(heldOut, defaults) }
  if (given.startsWith('scenes')) return { data, held: scenes({ ...others, seed: heldOutSeed(seed) }) }
  const first = data.size - Math.floor(data.size / 10)
  return first === data.size
    ? { data }
    : { data: subset(data, { from: 0, to: first }), held: subset(data, { from: first, to: data.size }) }
}

function scenesOf(given: string, defaults: SceneDefaults): SceneDefaults {
  const [, seed, size, simple] =
    /^scenes(?::(\d{0,9})(?::(\d{0,4})(?::(0|1|0?\.\d+))?)?)?$/.exec(given) ?? refuse(given)
  const found = {
    seed: seed ? Number(seed) : defaults.seed,
    size: size ? Number(size) : defaults.size,
    simple: Number(simple ?? defaults.simple ?? 0)
  }
  return found.size >= 32 && found.size <= 4096 ? found : refuse(given, 'scenes are 32 … 4096 pixels wide')
}

function refuse(given: string, why = `it must be ${dataForms}`): never {
  throw usage(`--data ${given}: ${why}`)
}
