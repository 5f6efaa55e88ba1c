import type { Mask } from '@sam/core'
import { colorOf, pathOf } from '@sam/annotator'
import type { App } from '../app.js'
import { percent } from '../format.js'
import { h } from './dom.js'

/** The masks to choose from, as thumbnails with their scores. */
export function createCandidates({ annotator }: App): { readonly element: HTMLElement; update(): void } {
  const choices = h('div', { class: 'candidates', role: 'radiogroup', 'aria-label': 'Masks to choose from' })
  const element = h(
    'section',
    { class: 'card' },
    h('header', {}, h('h2', {}, 'Masks'), h('span', { class: 'hint' }, 'predicted IoU')),
    choices
  )
  let drawn: unknown
  return {
    element,
    update() {
      const { active: object } = annotator
      const { image } = annotator.state
      const candidates = object && annotator.candidates(object)
      element.hidden = !object || !image || (!candidates && !choices.childElementCount) || !annotator.shown(object)
      if (object && image && candidates && drawn !== candidates) {
        drawn = candidates
        choices.replaceChildren(
          ...candidates.map((candidate, i) => {
            const label = h(
              'label',
              { class: 'candidate', title: `Mask ${i + 1} (${i + 1})` },
              h('input', {
                type: 'radio',
                name: 'candidate',
                class: 'visually-hidden',
                value: String(i),
                'aria-label': `Mask ${i + 1}, score ${percent(candidate.predictedIou)}`,
                onchange: () => annotator.choose(i)
              }),
              thumbnail(image, candidate, colorOf(annotator.project, object)),
              h(
                'span',
                { class: 'score' },
                h('span', { class: 'score-bar', style: `--part: ${percent(candidate.predictedIou)}` }),
                percent(candidate.predictedIou)
              )
            )
            return label
          })
        )
      }
      choices.querySelectorAll('input').forEach((input, i) => {
        input.disabled = !candidates // the previous masks, while a prediction is pending
        if (candidates) input.checked = i === object?.choice
      })
    }
  }
}

const side = 84

/** The image in grey, with the mask in the object's colour. */
function thumbnail(image: ImageBitmap, candidate: Mask, color: string): HTMLCanvasElement {
  const ratio = devicePixelRatio
  const canvas = h('canvas', { width: side * ratio, height: side * ratio, 'aria-hidden': 'true' })
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
  const path = pathOf(candidate)
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
  return canvas
}
