import { encodePng, type ImageInput, type PixelSource } from '@sam/core'
import { openFile, refuse } from '@sam/core/graph'

/**
 * An image as the bytes of a file: files as they are, pixels and what a page draws as PNG. Throws `E_BAD_IMAGE`, and
 * `E_WEIGHTS_IO` for a path that cannot be read.
 */
export async function imageFile(input: ImageInput, signal: AbortSignal | undefined): Promise<Blob> {
  if (input instanceof Blob) return input
  if (input instanceof Uint8Array || input instanceof ArrayBuffer) return new Blob([input as BlobPart])
  if (typeof input === 'string' || input instanceof URL) return fileAt(input, signal)
  if (typeof input === 'object' && input !== null && 'data' in input) return pixels(input)
  return drawn(input as ImageBitmap)
}

/** Pages fetch, Node reads a path. */
async function fileAt(address: string | URL, signal: AbortSignal | undefined): Promise<Blob> {
  if (globalThis.location || /^https?:/i.test(String(address))) {
    const response = await fetch(address, signal ? { signal } : {})
    if (!response.ok) refuse('E_BAD_IMAGE', `image: the server of the file answered with status ${response.status}`)
    return response.blob()
  }
  const file = await openFile(address)
  try {
    return new Blob([await file.read(0, file.size, signal)])
  } finally {
    await file.close()
  }
}

async function pixels({ width, height, data, channels }: PixelSource): Promise<Blob> {
  const count = channels ?? data.length / (width * height)
  return new Blob([(await encodePng({ width, height, channels: count as 3, data: data as Uint8Array })) as BlobPart])
}

async function drawn(picture: ImageBitmap): Promise<Blob> {
  try {
    const canvas = new OffscreenCanvas(picture.width, picture.height)
    canvas.getContext('2d')!.drawImage(picture, 0, 0)
    return await canvas.convertToBlob()
  } catch (cause) {
    return refuse('E_BAD_IMAGE', `image: cannot be read (${(cause as Error).message})`, { cause })
  }
}
