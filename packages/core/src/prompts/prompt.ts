import { InputError, shown } from '../errors.js'
import type { Feeds } from '../backend/backend.js'
import { lowResSize, type SamConfig } from '../sam/config.js'
import type { PromptSignature } from '../sam/graphs.js'
import { pointLabels } from '../sam/prompt-encoder.js'
import { f32, tensor } from '../tensor/tensor.js'
import { toInput, type Frame } from '../image/frame.js'
import { maskPromptLogits, type MaskPrompt } from '../masks/mask.js'
import { checkPhrase } from './phrases.js'

/** A click: pixels of the photo, (0, 0) its top left corner. */
export interface Point {
  readonly x: number
  readonly y: number
  /** Default `foreground`: the object is here. `background`: it is not. */
  readonly label?: 'foreground' | 'background'
}

/** x0, y0, x1, y1 in pixels of the photo: left, top, right, bottom. */
export type Box = readonly [number, number, number, number]

/**
 * What to segment: any mix of these, at least one. All of them are about one object.
 *
 * Rules: everything must be finite. Points must lie in the photo, its far border included. A box must have x0 < x1 and
 * y0 < y1 and is clipped to the photo. At most {@link maxPoints} points.
 */
export interface Prompt {
  readonly points?: readonly Point[]
  readonly box?: Box
  /** A previous answer, or any mask of the photo's size: a starting point to refine. */
  readonly mask?: MaskPrompt
  /**
   * A phrase, or its embedding. Words need the text encoder that `loadSam` was given, and both need a checkpoint with a
   * text projection; what works without one is `EncodedImage.query`.
   */
  readonly text?: string | Float32Array
  /** Sparse prompt tokens made elsewhere, each as wide as the model's tokens. */
  readonly tokens?: readonly Float32Array[]
}

/** The most points one prompt may have: attention among tokens grows with their square. */
export const maxPoints = 1024

/** The most prompts of one decode; longer lists are answered in several. */
export const maxPrompts = 64

/** Prompts as the decoder's feeds. */
export interface EncodedPrompts {
  readonly signature: Required<PromptSignature>
  readonly feeds: Feeds
}

/** A prompt whose phrase has become an embedding. */
export type ReadyPrompt = Omit<Prompt, 'text'> & { readonly text?: Float32Array }

/** Checks a prompt. Throws `InputError` `E_BAD_PROMPT` that says what must hold and what was found. */
export function checkPrompt(
  prompt: Prompt,
  photo: { width: number; height: number },
  { tokenWidth, textWidth }: PromptWidths
): void {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt))
    throw bad(`must be an object such as { points: [{ x, y }] }, found ${shown(prompt)}`)
  const { points, box, mask, tokens, text } = prompt
  const unknown = Object.keys(prompt).find(key => !['points', 'box', 'mask', 'tokens', 'text'].includes(key))
  if (unknown !== undefined) throw bad(`may have points, box, mask, text and tokens, found '${unknown}'`)
  for (const [name, list] of [
    ['points', points],
    ['tokens', tokens]
  ] as const) {
    if (list !== undefined && !Array.isArray(list)) throw bad(`${name} must be an array, found ${shown(list)}`)
  }
  if (!points?.length && !box && !mask && !tokens?.length && text === undefined)
    throw bad('must have at least one of points, box, mask, text, tokens; found none')
  checkPlaces(prompt, photo)
  if (text !== undefined) checkText(text, textWidth)
  for (const [i, token] of (tokens ?? []).entries()) {
    if (!(token instanceof Float32Array) || token.length !== tokenWidth || !token.every(Number.isFinite)) {
      throw bad(
        `tokens[${i}] must be a Float32Array of ${tokenWidth} finite numbers, found ${token instanceof Float32Array ? `${token.length} numbers` : shown(token)}`
      )
    }
  }
}

/**
 * Checks a prompt's points and box against the photo's size: what needs no model, so that a wrong place is told before
 * one is loaded. Throws `InputError` `E_BAD_PROMPT` that says what must hold and what was found.
 */
export function checkPlaces({ points, box }: Prompt, { width, height }: { width: number; height: number }): void {
  if ((points?.length ?? 0) > maxPoints) throw bad(`may have at most ${maxPoints} points, found ${points!.length}`)
  for (const [i, point] of (points ?? []).entries()) {
    const { x, y, label } = point ?? {}
    if (!Number.isFinite(x) || !Number.isFinite(y))
      throw bad(`points[${i}] must have finite x and y, found ${shown(x)}, ${shown(y)}`)
    if (x < 0 || y < 0 || x > width || y > height)
      throw bad(`points[${i}] must lie in the photo, 0 … ${width} × 0 … ${height}, found ${x}, ${y}`)
    if (label !== undefined && label !== 'foreground' && label !== 'background')
      throw bad(`points[${i}].label must be 'foreground' or 'background', found ${shown(label)}`)
  }
  if (box !== undefined) {
    if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite))
      throw bad(`box must be four finite numbers [x0, y0, x1, y1], found ${shown(box)}`)
    const [x0, y0, x1, y1] = clip(box, { width, height })
    if (x0 >= x1 || y0 >= y1)
      throw bad(`box must have x0 < x1 and y0 < y1 inside the photo (0 … ${width} × 0 … ${height}), found [${box}]`)
  }
}

/** How wide a prompt's vectors must be. */
export interface PromptWidths {
  readonly tokenWidth: number
  /** Undefined for a checkpoint without a text projection. */
  readonly textWidth: number | undefined
}

function checkText(text: unknown, width: number | undefined): void {
  if (width === undefined) {
    throw bad(
      'text needs a checkpoint with prompt_encoder.text_projection, which this one has not; ' +
        `image.query(phrase, { route: 'rank' }) and { route: 'detect' } work without it`
    )
  }
  if (!(text instanceof Float32Array)) return void checkPhrase(text)
  const length = Math.hypot(...text)
  if (text.length !== width || !(length > 0 && length < Infinity)) {
    throw bad(
      `text must be a phrase, or an embedding of ${width} finite numbers, not all 0; found ${text.length} numbers of length ${length}`
    )
  }
}

/**
 * How many prompts this is, as the paper counts: each point, the box, the mask, the text, each token. One is ambiguous;
 * several are not.
 */
export const promptCount = ({ points, box, mask, text, tokens }: Prompt): number =>
  (points?.length ?? 0) + (box ? 1 : 0) + (mask ? 1 : 0) + (text === undefined ? 0 : 1) + (tokens?.length ?? 0)

/**
 * Checked prompts as feeds of one decode. Shapes grow to powers of two, so that few of them are ever compiled; what is
 * padding is masked out of every attention, so each answer is what the prompt would get alone.
 */
export function encodePrompts(prompts: readonly ReadyPrompt[], frame: Frame, config: SamConfig): EncodedPrompts {
  const rows = prompts.map(prompt => pointRow(prompt, frame))
  const masks = prompts.map(({ mask }) => mask && maskPromptLogits(mask, frame, lowResSize(config)))
  const signature = {
    prompts: powerOfTwo(prompts.length),
    points: powerOfTwo(Math.max(...rows.map(r => r.labels.length)), 2),
    tokens: powerOfTwo(Math.max(...prompts.map(p => p.tokens?.length ?? 0))),
    text: Math.max(...prompts.map(p => p.text?.length ?? 0)),
    masks: masks.some(m => m !== undefined)
  }
  const { prompts: p, points: n, tokens: k, text: t } = signature
  const row = n + k + (t ? 1 : 0)

  const coords = new Float32Array(p * n * 2)
  const labels = new Int32Array(p * n).fill(pointLabels.padding)
  const given = new Float32Array(p * k * config.width)
  const texts = new Float32Array(p * t)
  const present = new Float32Array(p * row)
  for (const [i, { coords: places, labels: kinds }] of rows.entries()) {
    coords.set(places, i * n * 2)
    labels.set(kinds, i * n)
    present.fill(1, i * row, i * row + kinds.length)
    const tokens = prompts[i].tokens ?? []
    present.fill(1, i * row + n, i * row + n + tokens.length)
    tokens.forEach((token, j) => given.set(token, (i * k + j) * config.width))
    const { text } = prompts[i]
    if (text) {
      texts.set(text, i * t)
      present[i * row + n + k] = 1
    }
  }

  const low = lowResSize(config)
  const feeds: Record<string, Feeds[string]> = {}
  if (n) {
    feeds.point_coords = f32([p, n, 2], coords)
    feeds.point_labels = tensor('i32', [p, n], labels)
  }
  if (k) feeds.tokens = f32([p, k, config.width], given)
  if (t) feeds.text = f32([p, t], texts)
  if (row) feeds.token_mask = f32([p, row], present)
  if (signature.masks) {
    const logits = new Float32Array(p * low * low)
    const has = new Float32Array(p)
    for (const [i, mask] of masks.entries()) {
      if (!mask) continue
      logits.set(mask, i * low * low)
      has[i] = 1
    }
    feeds.mask_input = f32([p, low, low], logits)
    feeds.has_mask = f32([p], has)
  }
  return { signature, feeds }
}

/**
 * Points, Meta's padding point where there are points and no box, and the corners of the box, in that order. Meta:
 * prompt_encoder.py#forward.
 */
function pointRow({ points = [], box }: ReadyPrompt, frame: Frame): { coords: number[]; labels: number[] } {
  const coords = points.flatMap(({ x, y }) => toInput(frame, x, y))
  const labels: number[] = points.map(({ label = 'foreground' }) => pointLabels[label])
  if (points.length && !box) {
    coords.push(0, 0)
    labels.push(pointLabels.padding)
  }
  if (box) {
    const [x0, y0, x1, y1] = clip(box, { width: frame.originalSize[1], height: frame.originalSize[0] })
    coords.push(...toInput(frame, x0, y0), ...toInput(frame, x1, y1))
    labels.push(pointLabels.topLeft, pointLabels.bottomRight)
  }
  return { coords, labels }
}

const clip = ([x0, y0, x1, y1]: Box, { width, height }: { width: number; height: number }): Box => [
  Math.max(0, x0),
  Math.max(0, y0),
  Math.min(width, x1),
  Math.min(height, y1)
]

/** The next power of two, at least `least`; 0 stays 0. */
const powerOfTwo = (n: number, least = 1): number => (n === 0 ? 0 : Math.max(least, 2 ** Math.ceil(Math.log2(n))))

const bad = (what: string): InputError => new InputError('E_BAD_PROMPT', `prompt: ${what}`)
