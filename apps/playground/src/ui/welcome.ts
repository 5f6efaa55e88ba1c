import type { App } from '../app.js'
import { readPicture } from '../image-input.js'
import cat from '../../../cli/assets/cat.jpg'
import coffee from '../../../cli/assets/coffee.jpg'
import scene from '../../../cli/assets/scene.jpg'
import { hasCamera, takePicture } from './camera.js'
import { chooseFile, h } from './dom.js'
import { icon } from './icons.js'

const samples = [
  { name: 'cat.jpg', label: 'Cat', url: cat },
  { name: 'coffee.jpg', label: 'Coffee', url: coffee },
  { name: 'scene.jpg', label: 'Shapes', url: scene }
]

/** Opens what a function gives; nothing where it gives nothing. */
export async function openPicture(
  app: App,
  pick: () => Promise<Parameters<App['open']>[0] | undefined>
): Promise<void> {
  try {
    const picture = await pick()
    if (picture) await app.open(picture)
  } catch (error) {
    app.fail(error)
  }
}

/** The ways to a picture, as buttons. */
export function pictureButtons(app: App, className: string): HTMLElement[] {
  const choose = (): Promise<void> =>
    openPicture(app, async () => {
      const file = await chooseFile('image/*')
      return file && readPicture(file)
    })
  return [
    h('button', { type: 'button', class: className, onclick: choose }, icon('image'), 'Choose a picture'),
    ...(hasCamera()
      ? [
          h(
            'button',
            { type: 'button', class: className.replace(' primary', ''), onclick: () => openPicture(app, takePicture) },
            icon('camera'),
            'Camera'
          )
        ]
      : [])
  ]
}

/** What is there before a picture is. */
export function createWelcome(app: App): { readonly element: HTMLElement; update(): void } {
  const element = h(
    'div',
    { class: 'welcome' },
    h('div', { class: 'welcome-mark', 'aria-hidden': 'true' }, icon('box')),
    h('h1', {}, 'Cut anything out of a picture'),
    h('p', { class: 'for-mouse' }, 'Drop a picture here or paste one. Then point at what you want.'),
    h('p', { class: 'for-touch' }, 'Take a picture or choose one. Then point at what you want.'),
    h('div', { class: 'welcome-buttons' }, ...pictureButtons(app, 'button primary')),
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
            'aria-label': `Try the sample: ${label}`,
            onclick: () => openPicture(app, async () => readPicture(await (await fetch(url)).blob(), name))
          },
          h('img', { src: url, alt: '', width: 72, height: 48 })
        )
      )
    ),
    h('p', { class: 'hint' }, 'Everything happens on this device. Nothing is sent anywhere.')
  )
  return {
    element,
    update() {
      element.hidden = app.state.picture !== undefined
    }
  }
}
