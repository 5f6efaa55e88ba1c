import { showPicture, type Picture } from '@sam/annotator'
import { html, nothing, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { App } from '../app.js'
import { counted } from '../format.js'
import { card, iconButton } from './controls.js'
import { drawn } from './drawn.js'
import { pictureButtons } from './open-pictures.js'

const side = { width: 60, height: 45 }

/** Draws a small copy of a picture file into the canvas. */
const thumbnail = (blob: Blob | undefined) => (canvas: HTMLCanvasElement) => {
  const ratio = Math.min(2, devicePixelRatio)
  Object.assign(canvas, { width: side.width * ratio, height: side.height * ratio })
  if (!blob) return
  void createImageBitmap(blob, {
    imageOrientation: 'from-image',
    resizeWidth: canvas.width,
    resizeQuality: 'medium'
  }).then(
    bitmap => {
      const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height)
      const [width, height] = [bitmap.width * scale, bitmap.height * scale]
      const context = canvas.getContext('2d')!
      context.drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height)
      bitmap.close()
    },
    () => {} // the annotator says what cannot be decoded
  )
}

/** The pictures of the project, as a strip of thumbnails. */
export function pictures(app: App): TemplateResult {
  const { annotator } = app
  const { project, picture } = annotator
  const item = ({ id, name, objects }: Picture): TemplateResult =>
    html`<li>
      <button
        type="button"
        class="thumbnail"
        title=${name}
        aria-label=${`${name}, ${counted(objects.length, 'object')}`}
        aria-current=${id === picture?.id ? 'true' : nothing}
        @click=${() => annotator.act(before => showPicture(before, id))}
      >
        <canvas aria-hidden="true" ${drawn(thumbnail(annotator.blobOf(id)), id)}></canvas>
        ${objects.length ? html`<span class="badge" aria-hidden="true">${objects.length}</span>` : nothing}
      </button>
    </li>`
  const at = project.pictures.findIndex(({ id }) => id === picture?.id)
  return card('pictures', 'Pictures', {
    hint: project.pictures.length > 1 ? `${at + 1} of ${project.pictures.length}` : undefined,
    action: html`<span class="actions">${pictureButtons(app, { label: 'Add', classes: ['text-button', 'text-button'] })}</span>`,
    body: html`<ul class="thumbnails" aria-label="Pictures">
        ${repeat(project.pictures, ({ id }) => id, item)}
      </ul>
      ${
        picture
          ? html`<div class="current-picture">
            <span class="name">${picture.name}</span>
            <small>${picture.width} × ${picture.height}</small>
            ${iconButton('trash', `Remove ${picture.name}`, {
              class: 'small',
              onclick: () => app.storage.removePicture(picture.id)
            })}
          </div>`
          : nothing
      }`
  })
}
