import type { Dataset } from './dataset.js'
import { fileFinder, listFiles, type ListedFile } from './image-files.js'
import { readEntries, readLists, type ByteRange } from './json-lists.js'
import { readPhoto, type LabelFrame, type Size } from './label-frame.js'
import { sizeIn, truthsOf } from './segmentation.js'
import { unfit } from './unfit.js'

export interface CocoOptions {
  /** The annotation file, with `images`, `annotations` and `categories`. It may be larger than memory. */
  readonly annotations: string
  /** The folder with the images, also in sub-folders. */
  readonly images: string
  /** The picture that polygons and run lengths refer to. Default: `upright`. */
  readonly frame?: LabelFrame | undefined
}

/** An image of the file, with the places of its annotations. */
interface CocoImage {
  readonly id: string
  readonly name: string
  readonly size: Size | undefined
  readonly annotations: { readonly range: ByteRange; readonly category: string }[]
}

/**
 * COCO instances; crowds are left out, categories become captions. Annotations without a usable mask are skipped and
 * counted, and so are images without annotations. Throws `InputError` `E_BAD_IMAGE` for an invalid file, and where two
 * images have one id or one file.
 */
export async function coco({ annotations: path, images: folder, frame }: CocoOptions): Promise<Dataset> {
  const images = new Map<string, CocoImage>()
  const categories = new Map<string, string>()
  const annotations: { image: string; category: string; range: ByteRange }[] = []
  let unnamed = 0
  const version = await readLists(path, {
    annotations: {
      onEntry({ image_id: image, category_id: category, iscrowd }, range) {
        if (!isCrowd(iscrowd)) annotations.push({ image: String(image), category: String(category), range })
      }
    },
    images: {
      onEntry(entry) {
        const { id, file_name: name } = entry
        if (typeof name !== 'string' || !['string', 'number'].includes(typeof id)) return unnamed++
        const other = images.get(String(id))
        if (other && other.name !== name)
          throw unfit(path, `each image must have its own id, found ${String(id)} for '${other.name}' and '${name}'`)
        images.set(String(id), { id: String(id), name, size: sizeIn(entry), annotations: [] })
      }
    },
    categories: {
      optional: true,
      onEntry({ id, name }) {
        categories.set(String(id), String(name))
      }
    }
  })
  let orphans = 0
  for (const { image, category, range } of annotations) {
    const owner = images.get(image)
    if (owner) owner.annotations.push({ range, category })
    else orphans++
  }
  const labelled = [...images.values()].filter(image => image.annotations.length)
  if (!labelled.length) throw unfit(path, 'it must have images with annotations, found none')
  const files = filesOf(labelled, {
    finder: fileFinder(await listFiles(folder, /./, `${folder} must be the folder of the images of ${path}`)),
    path
  })
  return {
    size: labelled.length,
    skipped: { images: unnamed + images.size - labelled.length, masks: orphans },
    async read(index) {
      const { id, name, size, annotations } = labelled[index]
      const file = files[index]
      if (!file)
        throw unfit(
          path,
          `image ${id}: there must be one '${name}' in ${folder}, found none, or several in its sub-folders`
        )
      const photo = await readPhoto(file.path, frame)
      const entries = await readEntries(
        path,
        version,
        annotations.map(({ range }) => range)
      )
      return {
        name,
        image: photo.image,
        ...truthsOf(
          entries.map(({ segmentation }, i) => ({
            segmentation,
            caption: categories.get(annotations[i].category)
          })),
          { photo, labelled: size, path: `${path}, image ${id}` }
        )
      }
    }
  }
}

/** 0, "0", false and nothing are no crowd: tools write all of them. */
const isCrowd = (value: unknown): boolean =>
  ![undefined, null, 0, false, '', '0', '0.0', 'false', 'False'].includes(value as never)

/** The file of each image; undefined where there is none. Throws where two images have one. */
function filesOf(
  images: readonly CocoImage[],
  { finder, path }: { finder: (name: string) => ListedFile | undefined; path: string }
): (ListedFile | undefined)[] {
  const owners = new Map<ListedFile, CocoImage>()
  return images.map(image => {
    const file = finder(image.name)
    const other = file && owners.get(file)
    if (other && other.name !== image.name)
      throw unfit(
        path,
        `images ${other.id} ('${other.name}') and ${image.id} ('${image.name}') must be two files, found one: ${file.path}`
      )
    if (file) owners.set(file, image)
    return file
  })
}
