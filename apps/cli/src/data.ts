import { scenes, type SceneOptions } from '@sam/scenes'
import { coco, imageFolder, sa1b, subset, views, type Dataset, type LabelFrame, type MaskValues } from '@sam/train'
import { labelFrames, maskValues } from '@sam/train/toolkit'
import { usage } from './failure.js'
import { allowPhotosOnly } from './photo.js'

/** Forms of `--data`, for help and messages. */
export const dataForms =
  'scenes[:SEED[:SIZE[:SIMPLE]]], coco:FILE.json,FOLDER, sa1b:FOLDER or folder:FOLDER, the last three with [,OPTIONS]'

/** Options after a `--data` value or a `--mask` file: how mask pictures are read, and which picture labels refer to. */
export interface LabelOptions {
  readonly values?: MaskValues
  readonly frame?: LabelFrame
}

/** Splits `FOLDER,nonzero,stored` into the path and its options. */
export function splitLabelOptions(given: string): LabelOptions & { readonly path: string } {
  const [, path, options] = labelOptions.exec(given)!
  const last = <T extends string>(names: readonly T[]): T | undefined =>
    options
      .split(',')
      .filter(option => (names as readonly string[]).includes(option))
      .at(-1) as T | undefined
  const [values, frame] = [last(maskValues), last(labelFrames)]
  return { path, ...(values && { values }), ...(frame && { frame }) }
}

const labelOptions = new RegExp(`^(.*?)((?:,(?:${[...maskValues, ...labelFrames].join('|')}))*)$`, 's')

/**
 * Defaults of generated scenes: seed, longer side in pixels, and the fraction of scenes with simple objects.
 */
export type SceneDefaults = Pick<SceneOptions, 'seed' | 'size' | 'simple'>

/**
 * Images with masks, from a `--data` value: generated scenes; COCO instances; a folder of SA-1B; a folder with
 * `images` and `masks`; with {@link LabelOptions}. Throws `E_USAGE` for another form, `InputError` where files are
 * missing or not of that kind.
 */
export async function openData(given: string, defaults: SceneDefaults): Promise<Dataset> {
  const [, kind, rest = ''] = /^(scenes|coco|sa1b|folder)(?::(.*))?$/s.exec(given) ?? []
  if (kind === 'scenes') return scenes(scenesOf(given, defaults))
  if (!rest) return refuse(given)
  await allowPhotosOnly()
  const { path, values, frame } = splitLabelOptions(rest)
  if (kind === 'folder') return imageFolder(path, { values, frame })
  if (values) refuse(given, `'${values}' is for mask images, which only folder:FOLDER has`)
  if (kind === 'sa1b') return sa1b(path, { frame })
  const [, annotations, images] = /^(.*?\.json),(.+)$/s.exec(path) ?? refuse(given)
  return coco({ annotations, images, frame })
}

/** Seed of the held-out scenes of a training on `seed`. */
const heldOutSeed = (seed: number): number => seed + 1_000_000_000

/**
 * Training images and held-out images: those of `heldOut`; else scenes of another seed, or the last
 * tenth of the images, which is none where there are fewer than ten.
 */
export async function openTrainingData(
  { data: given, heldOut }: { data: string; heldOut?: string | undefined },
  defaults: SceneDefaults
): Promise<{ data: Dataset; held?: Dataset }> {
  const opened = await openData(given, defaults)
  // Generating a scene takes longer than training on it.
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
