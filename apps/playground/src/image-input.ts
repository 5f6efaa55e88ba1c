/** A picture that was given, and what to call it. */
export interface GivenPicture {
  readonly bitmap: ImageBitmap
  readonly name: string
}

/** Decodes a picture upright. Throws an `Error` whose message is for people. */
export async function readPicture(
  blob: Blob,
  name = 'name' in blob ? String(blob.name) : 'picture'
): Promise<GivenPicture> {
  try {
    return { bitmap: await createImageBitmap(blob, { imageOrientation: 'from-image' }), name }
  } catch (cause) {
    throw new Error(
      `${name} cannot be read as a picture. JPEG, PNG, WebP, AVIF and GIF are known everywhere; is the file complete?`,
      { cause }
    )
  }
}

/** The first picture among what was dropped or pasted. */
export const pictureIn = (data: DataTransfer | null): File | undefined =>
  [...(data?.files ?? [])].find(file => file.type.startsWith('image/')) ??
  [...(data?.items ?? [])]
    .filter(item => item.kind === 'file' && item.type.startsWith('image/'))
    .map(item => item.getAsFile())
    .find(file => file !== null)

/**
 * Calls back with pictures dropped anywhere on the page or pasted into it; `other` with a file of another kind. `over`
 * follows a drag.
 */
export function takePictures({
  picture,
  other,
  over
}: {
  picture: (file: File) => void
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
    const file = pictureIn(event.dataTransfer)
    if (file) picture(file)
    else other(event.dataTransfer?.files[0])
  })
  addEventListener('paste', event => {
    const file = pictureIn(event.clipboardData)
    if (!file) return
    event.preventDefault()
    picture(file)
  })
}

/** The pixels of a bitmap, RGBA. */
export function pixelsOf(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context)
    throw new Error(`A picture of ${width} × ${height} pixels is too large for this browser; make it smaller first.`)
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height)
}
