/** An image from the user, and its file name. */
export interface NamedImage {
  readonly bitmap: ImageBitmap
  readonly name: string
}

/** Decodes an image, with its EXIF orientation applied. Throws an `Error` with a message for the user. */
export async function readImage(blob: Blob, name = 'name' in blob ? String(blob.name) : 'image'): Promise<NamedImage> {
  try {
    return { bitmap: await createImageBitmap(blob, { imageOrientation: 'from-image' }), name }
  } catch (cause) {
    throw new Error(
      `${name} cannot be decoded as an image. Check that the file is complete, or use JPEG, PNG, WebP, AVIF or GIF.`,
      { cause }
    )
  }
}

/** The first image in dropped or pasted data. */
export const imageIn = (data: DataTransfer | null): File | undefined =>
  [...(data?.files ?? [])].find(file => file.type.startsWith('image/')) ??
  [...(data?.items ?? [])]
    .filter(item => item.kind === 'file' && item.type.startsWith('image/'))
    .map(item => item.getAsFile())
    .find(file => file !== null)

/**
 * Listens for images dropped on the page or pasted into it. `other` receives any other dropped file; `over`
 * reports whether files are dragged over the page.
 */
export function listenForImages({
  image,
  other,
  over
}: {
  image: (file: File) => void
  other: (file: File | undefined) => void
  over: (dragging: boolean) => void
}): void {
  const hasFiles = (event: DragEvent): boolean => [...(event.dataTransfer?.types ?? [])].includes('Files')
  let depth = 0
  addEventListener('dragenter', event => {
    if (hasFiles(event) && ++depth === 1) over(true)
  })
  addEventListener('dragleave', event => {
    if (hasFiles(event) && --depth <= 0) over(false)
  })
  addEventListener('dragover', event => {
    if (hasFiles(event)) event.preventDefault()
  })
  addEventListener('drop', event => {
    if (!hasFiles(event)) return
    event.preventDefault()
    depth = 0
    over(false)
    const file = imageIn(event.dataTransfer)
    if (file) image(file)
    else other(event.dataTransfer?.files[0])
  })
  addEventListener('paste', event => {
    const file = imageIn(event.clipboardData)
    if (!file) return
    event.preventDefault()
    image(file)
  })
}

/** RGBA pixels of a bitmap. Throws an `Error` where the browser cannot allocate a canvas of this size. */
export function pixelsOf(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context)
    throw new Error(`An image of ${width} × ${height} pixels is too large for this browser; resize it first.`)
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height)
}
