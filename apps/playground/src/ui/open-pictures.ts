import type { App } from '../app.js'
import { asPictures } from '../image-input.js'
import { hasCamera, takePhoto } from './camera.js'
import { textButton } from './controls.js'
import { chooseFiles } from './dom.js'

/** Adds the pictures that `pick` returns. Shows its errors. */
export async function openPictures({ annotator }: App, pick: () => Promise<readonly File[]>): Promise<void> {
  try {
    const files = await pick()
    if (files.length) await annotator.addPictures(asPictures(files))
  } catch (error) {
    annotator.fail(error)
  }
}

/** Buttons for the sources of pictures: files and the camera. */
export const pictureButtons = (
  app: App,
  { label, classes: [first, second] }: { label: string; classes: readonly [string, string] }
) => [
  textButton('image', label, {
    class: first,
    onclick: () => void openPictures(app, () => chooseFiles({ accept: 'image/*', multiple: true }))
  }),
  hasCamera()
    ? textButton('camera', 'Camera', { class: second, onclick: () => void openPictures(app, takePhoto) })
    : undefined
]
