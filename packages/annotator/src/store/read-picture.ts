/** Decodes a file, with its EXIF orientation applied. Throws an `Error` with a message for the user. */
export async function readPicture(blob: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob, { imageOrientation: 'from-image' })
  } catch (cause) {
    throw new Error(
      `${name} cannot be decoded as an image. Check that the file is complete, or use JPEG, PNG, WebP, AVIF or GIF.`,
      { cause }
    )
  }
}
