import { html, render } from 'lit-html'
import { iconButton } from './controls.js'

export const hasCamera = (): boolean => typeof navigator.mediaDevices?.getUserMedia === 'function'

/**
 * Takes a photo with the camera. Returns no file if the user closes the dialog. Throws an `Error` with the reason if
 * the camera cannot be used.
 */
export async function takePhoto(): Promise<File[]> {
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
  const dialog = document.createElement('dialog')
  dialog.className = 'dialog camera'
  dialog.setAttribute('aria-label', 'Camera')
  document.body.append(dialog)
  try {
    return await new Promise(resolve => {
      const take = (): void => {
        const video = dialog.querySelector('video')!
        const canvas = Object.assign(document.createElement('canvas'), {
          width: video.videoWidth,
          height: video.videoHeight
        })
        canvas.getContext('2d')!.drawImage(video, 0, 0)
        canvas.toBlob(
          blob => resolve(blob ? [new File([blob], 'photo.jpg', { type: blob.type })] : []),
          'image/jpeg',
          0.95
        )
      }
      dialog.addEventListener('close', () => resolve([]))
      render(
        html`<header>
            <h2>Camera</h2>
            ${iconButton('close', 'Close', { onclick: () => dialog.close() })}
          </header>
          <video
            autoplay
            playsinline
            .muted=${true}
            .srcObject=${stream}
            @loadeddata=${() => dialog.querySelector<HTMLButtonElement>('.primary')!.removeAttribute('disabled')}
          ></video>
          <button type="button" class="button primary" disabled @click=${take}>Take photo</button>`,
        dialog
      )
      dialog.showModal()
    })
  } finally {
    for (const track of stream.getTracks()) track.stop()
    dialog.remove()
  }
}
