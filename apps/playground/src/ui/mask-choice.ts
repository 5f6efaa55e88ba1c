import { colorOf, pathOf } from '@sam/annotator'
import type { Mask } from '@sam/core'
import { html, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { percent } from '../format.js'
import { card } from './controls.js'
import { drawn } from './drawn.js'

/** The masks of the selected object to choose from, with the model's own estimate of their IoU. */
export function maskChoice({ annotator }: App): TemplateResult {
  const { active, state } = annotator
  const masks = (active && annotator.candidates(active)) ?? []
  const { image } = state
  return card('masks', 'Masks', {
    hint: masks.length ? 'the model’s own estimate' : undefined,
    body:
      active && image && masks.length
        ? html`<div class="candidates" role="radiogroup" aria-label="Masks to choose from">
            ${masks.map(
              (mask, i) =>
                html`<label class="candidate" title=${`Mask ${i + 1} (${i + 1})`}>
                  <input
                    type="radio"
                    name="candidate"
                    class="visually-hidden"
                    value=${i}
                    aria-label=${`Mask ${i + 1}, the model’s own estimate: ${percent(mask.predictedIou)}`}
                    .checked=${i === active.choice}
                    ?disabled=${active.locked}
                    @change=${() => annotator.choose(i)}
                  />
                  <canvas
                    aria-hidden="true"
                    ${drawn(thumbnail(image, mask, colorOf(annotator.project, active)), image, mask, colorOf(annotator.project, active))}
                  ></canvas>
                  <span class="score">
                    <span class="score-bar" .style=${`--part: ${percent(mask.predictedIou)}`}></span>
                    ${percent(mask.predictedIou)}
                  </span>
                </label>`
            )}
          </div>`
        : html`<p class="hint">
            ${active ? 'This object has one mask: it was painted, merged or found.' : 'Select an object to see its masks.'}
          </p>`
  })
}

const side = 84

/** The picture in grey, with the mask in the object's colour. */
const thumbnail = (image: ImageBitmap, mask: Mask, color: string) => (canvas: HTMLCanvasElement) => {
  const ratio = devicePixelRatio
  Object.assign(canvas, { width: side * ratio, height: side * ratio })
  const context = canvas.getContext('2d')!
  const scale = Math.max(canvas.width / image.width, canvas.height / image.height)
  context.setTransform(
    scale,
    0,
    0,
    scale,
    (canvas.width - image.width * scale) / 2,
    (canvas.height - image.height * scale) / 2
  )
  context.filter = 'grayscale(0.9) brightness(0.7)'
  context.drawImage(image, 0, 0)
  context.filter = 'none'
  const path = pathOf(mask)
  context.save()
  context.clip(path, 'evenodd')
  context.drawImage(image, 0, 0)
  context.restore()
  context.globalAlpha = 0.38
  context.fillStyle = color
  context.fill(path, 'evenodd')
  context.globalAlpha = 1
  context.strokeStyle = 'rgb(255 255 255 / 0.8)'
  context.lineWidth = ratio / scale
  context.stroke(path)
}
