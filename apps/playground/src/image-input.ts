import type { PictureFile } from '@sam/annotator'

/** Files from the user as pictures. */
export const asPictures = (files: readonly File[]): PictureFile[] =>
  files.map(blob => ({ blob, name: blob.name || 'image' }))

/** The images in dropped or pasted data. */
export function imagesIn(data: DataTransfer | null): File[] {
  const files = [...(data?.files ?? [])].filter(file => file.type.startsWith('image/'))
  if (files.length) return files
  return [...(data?.items ?? [])]
    .filter(item => item.kind === 'file' && item.type.startsWith('image/'))
    .flatMap(item => item.getAsFile() ?? [])
}

/**
 * Listens for images dropped on the page or pasted into it. `other` receives any other dropped file; `over`
 * reports whether files are dragged over the page.
 */
export function listenForImages({
  images,
  other,
  over
}: {
  images: (files: readonly File[]) => void
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
    const files = imagesIn(event.dataTransfer)
    if (files.length) images(files)
    else other(event.dataTransfer?.files[0])
  })
  addEventListener('paste', event => {
    const files = imagesIn(event.clipboardData)
    if (!files.length) return
    event.preventDefault()
    images(files)
  })
}
