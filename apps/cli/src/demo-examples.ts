import { fileURLToPath } from 'node:url'
import type { Box, Point, Prompt, RgbImage } from '@sam/core'

/** A prompt of the demo. Its files are named after it. */
export interface Example {
  readonly name: 'click' | 'corrected' | 'box'
  readonly title: string
  readonly prompt: Prompt
  /** Number of masks shown. */
  readonly masks: 1 | 3
}

/** The bundled photo, a cup of coffee. */
export const coffeePhoto = fileURLToPath(new URL('../assets/coffee.jpg', import.meta.url))

/**
 * Prompts for the bundled photo. A click on the tip of the spoon may mean the cup with its saucer and spoon, the spoon,
 * or its tip. A click on the coffee selects the cup with its saucer and spoon; with a background click on the inside of
 * the cup, it selects the coffee. The box is around the spoon.
 */
export const coffee = examplesOf({
  click: { x: 330, y: 240 },
  corrected: [
    { x: 290, y: 150 },
    { x: 290, y: 70, label: 'background' }
  ],
  box: [335, 225, 410, 330]
})

/** Similar prompts at the centre of any other photo. */
export function anyPhoto({ width, height }: RgbImage): Example[] {
  const centre = { x: width / 2, y: height / 2 }
  return examplesOf({
    click: centre,
    corrected: [centre, { x: width / 20, y: height / 20, label: 'background' }],
    box: [width / 4, height / 4, (3 * width) / 4, (3 * height) / 4]
  })
}

function examplesOf({ click, corrected, box }: { click: Point; corrected: readonly Point[]; box: Box }): Example[] {
  return [
    { name: 'click', title: 'one click: whole, part, subpart', prompt: { points: [click] }, masks: 3 },
    { name: 'corrected', title: 'a click, corrected by a background click', prompt: { points: corrected }, masks: 1 },
    { name: 'box', title: 'a box', prompt: { box }, masks: 1 }
  ]
}
