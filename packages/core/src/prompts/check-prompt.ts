import { refuse, SamError, shown } from '../errors.js'
import type { Frame } from '../image/frame.js'
import { clipBox, type Box } from '../masks/box.js'
import { unknownName } from '../options.js'
import { lengthOf } from '../tensor/unit-vector.js'
import { maskPromptLogits } from './mask-prompt.js'
import { checkPhrase } from './phrases.js'
import { maxMasksPerCall, maxPoints, maxPromptsPerCall, maxVectorsPerCall, type Point, type Prompt } from './prompt.js'

const keys: readonly string[] = ['points', 'box', 'mask', 'text', 'sparseEmbeddings'] satisfies (keyof Prompt)[]
const pointKeys: readonly string[] = ['x', 'y', 'label'] satisfies (keyof Point)[]

/** What the prompts of a call are checked against. */
export interface PromptRules {
  readonly frame: Frame
  /** Side of the decoder's mask prompts. */
  readonly lowResSize: number
  /** Values of a sparse embedding. */
  readonly embeddingWidth: number
  /** Values of a text embedding; undefined for a checkpoint without a text projection. */
  readonly textWidth: number | undefined
}

/** A checked prompt: an own copy, of which nothing changes when the caller's objects do. Masks are logits. */
export interface CheckedPrompt {
  readonly points: readonly Point[]
  readonly box: Box | undefined
  /** Logits [lowResSize, lowResSize]. */
  readonly mask: Float32Array | undefined
  readonly text: string | Float32Array | undefined
  readonly sparseEmbeddings: readonly Float32Array[]
}

/**
 * Checks the prompts of one call and copies them: each value is read once, and only the copy is used afterwards. Throws
 * `InputError` `E_BAD_PROMPT` with what must hold and what was found.
 */
export function checkPrompts(prompts: Prompt | readonly Prompt[], rules: PromptRules): readonly CheckedPrompt[] {
  return readable('prompts', () => {
    if (!Array.isArray(prompts)) return [checkPrompt(prompts as Prompt, rules, 'prompt')]
    if (prompts.length > maxPromptsPerCall) tooMany('prompts', maxPromptsPerCall)
    const list = copyList<Prompt>(prompts, 'prompts', maxPromptsPerCall)
    let [masks, vectors] = [0, 0]
    return list.map((prompt, i) => {
      const checked = checkPrompt(prompt, rules, `prompts[${i}]`)
      if (checked.mask && ++masks > maxMasksPerCall) tooMany('masks', maxMasksPerCall)
      if ((vectors += checked.sparseEmbeddings.length) > maxVectorsPerCall)
        tooMany('sparse embeddings', maxVectorsPerCall)
      return checked
    })
  })
}

function checkPrompt(prompt: Prompt, rules: PromptRules, name: string): CheckedPrompt {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt) || prompt instanceof Promise)
    refuse('E_BAD_PROMPT', `${name}: must be an object such as { points: [{ x, y }] }, found ${shown(prompt)}`)
  const unknown = Object.keys(prompt).find(key => !keys.includes(key))
  if (unknown !== undefined)
    refuse('E_BAD_PROMPT', `${name}: may have ${keys.join(', ')}; ${unknownName('field', unknown, keys)}`)
  const { points, box, mask, text, sparseEmbeddings } = prompt
  const [height, width] = rules.frame.originalSize
  const checked: CheckedPrompt = Object.freeze({
    ...copyCoordinates({ points, box }, { width, height }, name),
    mask: mask === undefined ? undefined : maskPromptLogits(mask, rules.frame, rules.lowResSize),
    text: text === undefined ? undefined : checkText(text, rules.textWidth, name),
    sparseEmbeddings:
      sparseEmbeddings === undefined
        ? []
        : Object.freeze(
            copyList<Float32Array>(sparseEmbeddings, `${name}: sparseEmbeddings`, maxPoints).map((vector, i) =>
              copyVector(vector, rules.embeddingWidth, `${name}: sparseEmbeddings[${i}]`)
            )
          )
  })
  if (
    !checked.points.length &&
    !checked.box &&
    !checked.mask &&
    !checked.sparseEmbeddings.length &&
    checked.text === undefined
  )
    refuse('E_BAD_PROMPT', `${name}: must have at least one of ${keys.join(', ')}; found none`)
  return checked
}

/**
 * Checks a prompt's points and box against the photo's size. Needs no model, so that wrong coordinates are reported
 * before one is loaded. Throws `InputError` `E_BAD_PROMPT` with what must hold and what was found.
 */
export function checkCoordinates(
  { points, box }: Pick<Prompt, 'points' | 'box'>,
  photo: { width: number; height: number }
): void {
  readable('prompt', () => copyCoordinates({ points, box }, photo, 'prompt'))
}

function copyCoordinates(
  { points = [], box }: { points: Prompt['points']; box: Prompt['box'] },
  photo: { width: number; height: number },
  name: string
): Pick<CheckedPrompt, 'points' | 'box'> {
  return {
    points: Object.freeze(
      copyList<Point>(points, `${name}: points`, maxPoints).map((point, i) =>
        copyPoint(point, photo, `${name}: points[${i}]`)
      )
    ),
    box: box === undefined ? undefined : copyBox(box, photo, `${name}: box`)
  }
}

function copyPoint(point: Point, { width, height }: { width: number; height: number }, name: string): Point {
  const { x, y, label } = point ?? {}
  if (!Number.isFinite(x) || !Number.isFinite(y))
    refuse('E_BAD_PROMPT', `${name} must have finite x and y, found ${shown(x)}, ${shown(y)}`)
  const unknown = Object.keys(point).find(key => !pointKeys.includes(key))
  if (unknown !== undefined) refuse('E_BAD_PROMPT', `${name}: ${unknownName('field', unknown, pointKeys)}`)
  if (x < 0 || y < 0 || x > width || y > height)
    refuse('E_BAD_PROMPT', `${name} must lie in the photo, 0 … ${width} × 0 … ${height}, found ${x}, ${y}`)
  if (label !== undefined && label !== 'foreground' && label !== 'background')
    refuse('E_BAD_PROMPT', `${name}.label must be 'foreground' or 'background', found ${shown(label)}`)
  return Object.freeze({ x, y, label: label ?? 'foreground' })
}

function copyBox(box: Box, { width, height }: { width: number; height: number }, name: string): Box {
  const values = Array.isArray(box) && box.length === 4 ? [0, 1, 2, 3].map(i => (box as readonly number[])[i]) : []
  if (values.length !== 4 || !values.every(Number.isFinite))
    refuse(
      'E_BAD_PROMPT',
      `${name} must be four finite numbers [x0, y0, x1, y1], found ${values.length ? `[${values.map(shown).join(', ')}]` : shown(box)}`
    )
  const copy = Object.freeze(values) as unknown as Box
  const [x0, y0, x1, y1] = clipBox(copy, { width, height })
  if (x0 >= x1 || y0 >= y1)
    refuse(
      'E_BAD_PROMPT',
      `${name} must have x0 < x1 and y0 < y1 inside the photo (0 … ${width} × 0 … ${height}), found [${copy}]`
    )
  return copy
}

function checkText(text: string | Float32Array, width: number | undefined, name: string): string | Float32Array {
  if (width === undefined) {
    refuse(
      'E_BAD_PROMPT',
      `${name}: text must have a checkpoint with prompt_encoder.text_projection, found none; ` +
        `image.query(phrase, { route: 'rank' }) and { route: 'detect' } work without it`
    )
  }
  if (!(text instanceof Float32Array)) return checkPhrase(text)
  const copy = copyVector(text, width, `${name}: text, if it is an embedding,`)
  if (!(lengthOf(copy) > 0 && lengthOf(copy) < Infinity))
    refuse('E_BAD_PROMPT', `${name}: text must be an embedding with a finite norm above 0, found ${lengthOf(copy)}`)
  return copy
}

function copyVector(vector: Float32Array, width: number, name: string): Float32Array {
  const length = vector instanceof Float32Array ? vector.length : NaN
  const copy = length === width ? new Float32Array(vector) : undefined
  if (copy?.every(Number.isFinite)) return copy
  const found = copy ? 'NaN or an infinite value' : Number.isNaN(length) ? shown(vector) : `${length} values`
  return refuse('E_BAD_PROMPT', `${name} must be a Float32Array of ${width} finite values, found ${found}`)
}

/** An array's items, the missing ones of a sparse array as undefined. */
function copyList<T>(list: readonly T[], name: string, most: number): T[] {
  if (!Array.isArray(list)) refuse('E_BAD_PROMPT', `${name} must be an array, found ${shown(list)}`)
  const { length } = list
  if (!(length <= most)) refuse('E_BAD_PROMPT', `${name} may be at most ${most}, found ${length}`)
  return Array.from({ length }, (_, i) => (list as readonly T[])[i])
}

const tooMany = (what: string, most: number): never =>
  refuse('E_BAD_PROMPT', `prompts: one call may have at most ${most} ${what}; call predict again for the others`)

/** Runs a check. What a getter or a proxy of the caller throws is an `E_BAD_PROMPT` as well. */
function readable<T>(name: string, check: () => T): T {
  try {
    return check()
  } catch (cause) {
    if (SamError.is(cause)) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    return refuse('E_BAD_PROMPT', `${name}: must be plain data, found an object that cannot be read (${message})`, {
      cause
    })
  }
}
