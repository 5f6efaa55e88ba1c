import type { PictureFile } from '@sam/annotator'
import { h } from './dom.js'
import { iconButton } from './toolbar.js'

export const hasCamera = (): boolean => typeof navigator.mediaDevices?.getUserMedia === 'function'

/**
 * Takes a photo with the camera. Empty if the user closes the dialog. Throws an `Error` with the reason if the
 * camera cannot be used.
 */
export async function takePhoto(): Promise<readonly PictureFile[]> {
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } })
  } catch (cause) {
    const why =
      (cause as DOMException).name === 'NotAllowedError'
        ? 'Camera access was denied; allow it in the address bar.'
        : `No camera found: ${(cause as Error).message}.`
    throw new Error(why, { cause })
  }
  const video = h('video', { autoplay: true, muted: true, playsInline: true, srcObject: stream })
  const shutter = h('button', { type: 'button', class: 'button primary', disabled: true }, 'Take photo')
  video.addEventListener('loadeddata', () => {
    shutter.disabled = false
  })
  const dialog = h(
    'dialog',
    { class: 'dialog camera', 'aria-label': 'Camera' },
    h('header', {}, h('h2', {}, 'Camera'), iconButton('close', 'Close', { onclick: () => dialog.close() })),
    video,
    shutter
  )
  document.body.append(dialog)
  dialog.showModal()
  try {
    return await new Promise(resolve => {
      dialog.addEventListener('close', () => resolve([]))
      shutter.addEventListener('click', () => {
        resolve(frameOf(video).then(blob => [{ blob, name: 'photo.jpg' }]))
      })
    })
  } finally {
    for (const track of stream.getTracks()) track.stop()
    dialog.remove()
  }
}

/** What the video shows now, as a JPEG file. */
async function frameOf(video: HTMLVideoElement): Promise<Blob> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
  canvas.getContext('2d')!.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })
}
