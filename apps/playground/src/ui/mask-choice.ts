import { colorOf, pathOf, type AnnotatedObject } from '@sam/annotator'
import type { Mask } from '@sam/core'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { percent } from '../format.js'
import { drawn } from './drawn.js'

/** The masks that the model predicted for an object, to choose from, with its own estimate of their IoU. */
export function maskChoice({ annotator }: App, object: AnnotatedObject): TemplateResult | typeof nothing {
  const masks = annotator.candidates(object) ?? []
  const { image } = annotator.state
  if (!image || !masks.length) return nothing
  if (masks.length === 1) return html`<p class="hint">model’s own estimate ${percent(masks[0].predictedIou)}</p>`
  const color = colorOf(annotator.project, object)
  return html`<p class="hint" id="masks-hint">Masks, with the model’s own estimate</p>
    <div class="candidates" role="radiogroup" aria-labelledby="masks-hint">
      ${masks.map(
        (mask, i) =>
          html`<label class="candidate" title=${`Mask ${i + 1} (${i + 1})`}>
            <input
              type="radio"
              name="candidate"
              class="visually-hidden"
              value=${i}
              aria-label=${`Mask ${i + 1}, model’s own estimate ${percent(mask.predictedIou)}`}
              .checked=${i === object.choice}
              ?disabled=${object.locked}
              @change=${() => annotator.choose(i)}
            />
            <canvas aria-hidden="true" ${drawn(thumbnail(image, mask, color), image, mask, color)}></canvas>
            <span class="score">
              <span class="score-bar" .style=${`--part: ${percent(mask.predictedIou)}`}></span>
              ${percent(mask.predictedIou)}
            </span>
          </label>`
      )}
    </div>`
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
