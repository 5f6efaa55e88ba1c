import { coco, imageFolder, sa1b, scenes, type Dataset } from '@sam/train'
import { usage } from './failure.js'
import { allowPhotosOnly } from './photo.js'

/** What `--data` may be, for help and messages. */
export const dataForms = 'scenes[:SEED[:SIZE]], coco:FILE.json,FOLDER, sa1b:FOLDER or folder:FOLDER'

/** How generated scenes are made where the command line does not say. */
export interface SceneDefaults {
  readonly seed: number
  /** Longer side, in pixels. */
  readonly size: number
}

/**
 * Images with masks by what a person writes: generated scenes; COCO instances; a folder of SA-1B; a folder with `images` and `masks`.
 * Throws `E_USAGE` for another form, `InputError` where the files are not there or not of that kind.
 */
export async function openData(given: string, { seed, size }: SceneDefaults): Promise<Dataset> {
  const [, kind, rest = ''] = /^(scenes|coco|sa1b|folder)(?::(.*))?$/s.exec(given) ?? []
  if (kind === 'scenes') {
    const [, ownSeed = String(seed), ownSize = String(size)] = /^(\d{0,9})(?::(\d{1,4}))?$/.exec(rest) ?? refuse(given)
    return scenes({ seed: Number(ownSeed || seed), size: within(Number(ownSize), given) })
  }
  if (!rest) return refuse(given)
  await allowPhotosOnly()
  if (kind === 'sa1b') return sa1b(rest)
  if (kind === 'folder') return imageFolder(rest)
  const [, annotations, images] = /^(.*?\.json),(.+)$/s.exec(rest) ?? refuse(given)
  return coco({ annotations, images })
}

function within(size: number, given: string): number {
  return size >= 32 && size <= 4096 ? size : refuse(given, 'scenes are 32 … 4096 pixels wide')
}

function refuse(given: string, why = `it must be ${dataForms}`): never {
  throw usage(`--data ${given}: ${why}`)
}
