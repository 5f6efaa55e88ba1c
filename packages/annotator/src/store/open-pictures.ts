import type { ImageLike, SamLike } from './sam-like.js'

interface Encoding {
  readonly sam: SamLike
  readonly image: Promise<ImageLike>
  /** Aborts the encoding while it runs. */
  readonly signal: AbortSignal
  isDone: boolean
}

/** A picture in memory, by its id. */
interface OpenPicture {
  readonly bitmap: Promise<ImageBitmap>
  encoded?: Encoding | undefined
}

/** Pictures whose pixels and encodings are in memory: the one that is shown and some before it. */
const limit = 3

/** The pixels and encodings of the pictures that were shown last. */
export interface OpenPictures {
  /** The pixels of a picture. Throws an `Error` that names a file that cannot be decoded. */
  readonly bitmap: (id: string) => Promise<ImageBitmap>
  /** The encoding of a picture by a model; encoded once. Throws what `encode` throws, and after an abort its reason. */
  readonly encoded: (id: string, sam: SamLike, signal: AbortSignal) => Promise<ImageLike>
  /** Frees all encodings: for another model, or after the device was lost. */
  readonly forgetEncodings: () => void
  readonly clear: () => void
}

/** `read` decodes the file of a picture. */
export function openPictures(read: (id: string) => Promise<ImageBitmap>): OpenPictures {
  /** The last one is the one used last. */
  const open = new Map<string, OpenPicture>()
  const freeEncoding = (picture: OpenPicture): void => {
    picture.encoded?.image.then(
      image => image.dispose(),
      () => {}
    )
    picture.encoded = undefined
  }
  const close = (id: string): void => {
    const picture = open.get(id)
    if (!picture) return
    open.delete(id)
    freeEncoding(picture)
    picture.bitmap.then(
      bitmap => bitmap.close(),
      () => {}
    )
  }
  const use = (id: string): OpenPicture => {
    const picture: OpenPicture = open.get(id) ?? { bitmap: read(id) }
    picture.bitmap.catch(() => close(id)) // the next use reads it again
    open.delete(id)
    open.set(id, picture)
    for (const other of open.keys()) if (open.size > limit) close(other)
    return picture
  }
  return {
    bitmap: id => use(id).bitmap,
    async encoded(id, sam, signal) {
      const picture = use(id)
      const before = picture.encoded
      if (before?.sam !== sam || (before.signal.aborted && !before.isDone)) {
        freeEncoding(picture)
        const image = picture.bitmap.then(async bitmap => {
          await sam.recover()
          return sam.encode(bitmap, { signal })
        })
        const mine: Encoding = (picture.encoded = { sam, signal, image, isDone: false })
        image.then(
          () => (mine.isDone = true),
          () => {
            if (picture.encoded === mine) picture.encoded = undefined
          }
        )
      }
      return picture.encoded!.image
    },
    forgetEncodings: () => open.forEach(freeEncoding),
    clear: () => [...open.keys()].forEach(close)
  }
}
