import type { App } from '../app.js'
import type { PictureFile } from '@sam/annotator'
import { asPictures } from '../image-input.js'
import cat from '../../../cli/assets/cat.jpg'
import coffee from '../../../cli/assets/coffee.jpg'
import scene from '../../../cli/assets/scene.jpg'
import { hasCamera, takePhoto } from './camera.js'
import { chooseFiles, h } from './dom.js'
import { icon } from './icons.js'

const samples = [
  { name: 'cat.jpg', label: 'Cat', url: cat },
  { name: 'coffee.jpg', label: 'Coffee', url: coffee },
  { name: 'scene.jpg', label: 'Shapes', url: scene }
]

/** Adds the pictures that `pick` returns. Shows its errors. */
export async function openImages(
  { annotator }: Pick<App, 'annotator'>,
  pick: () => Promise<readonly PictureFile[]>
): Promise<void> {
  try {
    await annotator.addPictures(await pick())
  } catch (error) {
    annotator.fail(error)
  }
}

/** Buttons for the image sources: file and camera. */
export function imageButtons(app: App, className: string): HTMLElement[] {
  const choose = (): Promise<void> => openImages(app, async () => asPictures(await chooseFiles('image/*')))
  return [
    h('button', { type: 'button', class: className, onclick: choose }, icon('image'), 'Choose an image'),
    ...(hasCamera()
      ? [
          h(
            'button',
            { type: 'button', class: className.replace(' primary', ''), onclick: () => openImages(app, takePhoto) },
            icon('camera'),
            'Camera'
          )
        ]
      : [])
  ]
}

/** The start screen, shown until an image is opened. */
export function createWelcome(app: App): { readonly element: HTMLElement; update(): void } {
  const element = h(
    'div',
    { class: 'welcome' },
    h('div', { class: 'welcome-mark', 'aria-hidden': 'true' }, icon('box')),
    h('h1', {}, 'Segment anything in an image'),
    h('p', { class: 'for-mouse' }, 'Drop or paste an image here, then point at an object.'),
    h('p', { class: 'for-touch' }, 'Take a photo or choose an image, then tap an object.'),
    h('div', { class: 'welcome-buttons' }, ...imageButtons(app, 'button primary')),
    h(
      'div',
      { class: 'samples' },
      h('span', {}, 'or try'),
      ...samples.map(({ name, label, url }) =>
        h(
          'button',
          {
            type: 'button',
            class: 'sample',
            title: label,
            'aria-label': `Open sample: ${label}`,
            onclick: () => openImages(app, async () => [{ blob: await (await fetch(url)).blob(), name }])
          },
          h('img', { src: url, alt: '', width: 72, height: 48 })
        )
      )
    ),
    h('p', { class: 'hint' }, 'Everything runs on this device. No data is uploaded.')
  )
  return {
    element,
    update() {
      element.hidden = app.annotator.picture !== undefined
    }
  }
}
