import { html, type TemplateResult } from 'lit-html'
import cat from '../../../cli/assets/cat.jpg'
import coffee from '../../../cli/assets/coffee.jpg'
import scene from '../../../cli/assets/scene.jpg'
import type { App } from '../app.js'
import { icon } from './icons.js'
import { openPictures, pictureButtons } from './open-pictures.js'

const samples = [
  { name: 'cat.jpg', label: 'Cat', url: cat },
  { name: 'coffee.jpg', label: 'Coffee', url: coffee },
  { name: 'scene.jpg', label: 'Shapes', url: scene }
]

async function sampleFile(url: string, name: string): Promise<File[]> {
  const blob = await (await fetch(url)).blob()
  return [new File([blob], name, { type: blob.type })]
}

/** The start screen, shown while there are no pictures. */
export const welcome = (app: App): TemplateResult =>
  html`<div class="welcome">
    <div class="welcome-mark" aria-hidden="true">${icon('box')}</div>
    <p class="welcome-title">Segment anything in a picture</p>
    <p class="for-mouse">Drop or paste pictures here, then point at an object.</p>
    <p class="for-touch">Take a photo or choose pictures, then tap an object.</p>
    <div class="welcome-buttons">${pictureButtons(app, { label: 'Choose pictures', classes: ['button primary', 'button'] })}</div>
    <div class="samples">
      <span>or try</span>
      ${samples.map(
        ({ name, label, url }) =>
          html`<button
            type="button"
            class="sample"
            title=${label}
            aria-label=${`Open sample: ${label}`}
            @click=${() => void openPictures(app, () => sampleFile(url, name))}
          >
            <img src=${url} alt="" width="72" height="48" />
          </button>`
      )}
    </div>
    <p class="hint">Everything runs on this device. No data is uploaded.</p>
  </div>`
