import { refuse, shown } from '../errors.js'
import { clipBox } from '../masks/box.js'
import { lengthOf } from '../tensor/unit-vector.js'
import { checkPhrase } from './phrases.js'
import { maxPoints, type Prompt } from './prompt.js'

const keys: readonly string[] = ['points', 'box', 'mask', 'text', 'sparseEmbeddings'] satisfies (keyof Prompt)[]

/** Checks a prompt. Throws `InputError` `E_BAD_PROMPT` with what must hold and what was found. */
export function checkPrompt(
  prompt: Prompt,
  photo: { width: number; height: number },
  { embeddingWidth, textWidth }: PromptWidths
): void {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt))
    refuse('E_BAD_PROMPT', `prompt: must be an object such as { points: [{ x, y }] }, found ${shown(prompt)}`)
  const { points, box, mask, text, sparseEmbeddings } = prompt
  const unknown = Object.keys(prompt).find(key => !keys.includes(key))
  if (unknown !== undefined) refuse('E_BAD_PROMPT', `prompt: may have ${keys.join(', ')}, found '${unknown}'`)
  for (const [name, list] of [
    ['points', points],
    ['sparseEmbeddings', sparseEmbeddings]
  ] as const) {
    if (list !== undefined && !Array.isArray(list))
      refuse('E_BAD_PROMPT', `prompt: ${name} must be an array, found ${shown(list)}`)
  }
  if (!points?.length && !box && !mask && !sparseEmbeddings?.length && text === undefined)
    refuse('E_BAD_PROMPT', `prompt: must have at least one of ${keys.join(', ')}; found none`)
  checkCoordinates(prompt, photo)
  if (text !== undefined) checkText(text, textWidth)
  for (const [i, vector] of (sparseEmbeddings ?? []).entries()) {
    if (!(vector instanceof Float32Array) || vector.length !== embeddingWidth || !vector.every(Number.isFinite)) {
      refuse(
        'E_BAD_PROMPT',
        `prompt: sparseEmbeddings[${i}] must be a Float32Array of ${embeddingWidth} finite values, found ${vector instanceof Float32Array ? `${vector.length} values` : shown(vector)}`
      )
    }
  }
}

/**
 * Checks a prompt's points and box against the photo's size. Needs no model, so that wrong coordinates are reported
 * before one is loaded. Throws `InputError` `E_BAD_PROMPT` with what must hold and what was found.
 */
export function checkCoordinates({ points, box }: Prompt, { width, height }: { width: number; height: number }): void {
  if ((points?.length ?? 0) > maxPoints)
    refuse('E_BAD_PROMPT', `prompt: may have at most ${maxPoints} points, found ${points!.length}`)
  for (const [i, point] of (points ?? []).entries()) {
    const { x, y, label } = point ?? {}
    if (!Number.isFinite(x) || !Number.isFinite(y))
      refuse('E_BAD_PROMPT', `prompt: points[${i}] must have finite x and y, found ${shown(x)}, ${shown(y)}`)
    if (x < 0 || y < 0 || x > width || y > height)
      refuse(
        'E_BAD_PROMPT',
        `prompt: points[${i}] must lie in the photo, 0 … ${width} × 0 … ${height}, found ${x}, ${y}`
      )
    if (label !== undefined && label !== 'foreground' && label !== 'background')
      refuse('E_BAD_PROMPT', `prompt: points[${i}].label must be 'foreground' or 'background', found ${shown(label)}`)
  }
  if (box !== undefined) {
    if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite))
      refuse('E_BAD_PROMPT', `prompt: box must be four finite numbers [x0, y0, x1, y1], found ${shown(box)}`)
    const [x0, y0, x1, y1] = clipBox(box, { width, height })
    if (x0 >= x1 || y0 >= y1)
      refuse(
        'E_BAD_PROMPT',
        `prompt: box must have x0 < x1 and y0 < y1 inside the photo (0 … ${width} × 0 … ${height}), found [${box}]`
      )
  }
}

/** Dimensions of a prompt's vectors. */
export interface PromptWidths {
  readonly embeddingWidth: number
  /** Undefined for a checkpoint without a text projection. */
  readonly textWidth: number | undefined
}

function checkText(text: unknown, width: number | undefined): void {
  if (width === undefined) {
    refuse(
      'E_BAD_PROMPT',
      'prompt: text must have a checkpoint with prompt_encoder.text_projection, found none; ' +
        `image.query(phrase, { route: 'rank' }) and { route: 'detect' } work without it`
    )
  }
  if (!(text instanceof Float32Array)) return void checkPhrase(text)
  const length = lengthOf(text)
  if (text.length !== width || !(length > 0 && length < Infinity)) {
    refuse(
      'E_BAD_PROMPT',
      `prompt: text must be a phrase, or an embedding of ${width} finite values, not all 0; found ${text.length} values with norm ${length}`
    )
  }
}
