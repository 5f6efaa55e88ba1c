import { InvalidArgumentError, type Command } from 'commander'
import { Mask, openWeights, type Box, type MaskPrompt, type Point, type Prompt } from '@sam/core'
import type { MaskValues } from '@sam/train'
import { maskPicture, maskValues } from '@sam/train/toolkit'
import { splitLabelOptions } from './data.js'
import { CliError, usage } from './failure.js'
import { allowPhotosOnly } from './photo.js'
import { savedMask } from './saved-mask.js'

/** Prompt options of the command line, in order. */
export type Given =
  | { readonly kind: 'point'; readonly point: Point }
  | { readonly kind: 'box'; readonly box: Box }
  | { readonly kind: 'mask'; readonly file: string; readonly values: MaskValues | undefined }
  | { readonly kind: 'object' }

/** A prompt as given; its mask is still a file. */
export interface GivenPrompt {
  readonly points: readonly Point[]
  readonly box?: Box
  readonly mask?: string
  /** How the picture of the mask is read. */
  readonly maskValues?: MaskValues
}

/** Adds `--point`, `--box`, `--mask` and `--object` to a command, and returns the list that parsing fills. */
export function promptOptions(command: Command): readonly Given[] {
  const given: Given[] = []
  const collect =
    (parse: (text: string) => Given) =>
    (text: string): void => {
      given.push(parse(text))
    }
  command
    .option(
      '--point <x,y[,0]>',
      'a click in pixels of the photo: on the object, or with ,0 on the background (repeatable)',
      collect(parsePoint)
    )
    .option('--box <x0,y0,x1,y1>', 'a box around an object: left, top, right, bottom (repeatable)', collect(parseBox))
    .option(
      '--mask <file>',
      `a mask to refine: an image (FILE[,${maskValues.join('|')}]), masks.json or COCO RLE (.json), or saved tensors (.safetensors)`,
      collect(parseMask)
    )
    .option('--object', 'the options that follow are about another object')
    .on('option:object', () => given.push({ kind: 'object' }))
  return given
}

/** Adds `--point` alone to a command, and returns the list that parsing fills. */
export function pointsOption(command: Command, description: string): readonly Point[] {
  const points: Point[] = []
  command.option('--point <x,y[,0]>', description, text => {
    points.push(parsePoint(text).point)
  })
  return points
}

const parsePoint = (text: string): Extract<Given, { kind: 'point' }> => {
  const [x, y, label] = numbers(text, [2, 3], 'x,y or x,y,0')
  if (label !== undefined && label !== 0 && label !== 1)
    throw new InvalidArgumentError(
      `The third number must be 1 (on the object) or 0 (on the background), found ${label}.`
    )
  return { kind: 'point', point: { x, y, label: label === 0 ? 'background' : 'foreground' } }
}

const parseBox = (text: string): Given => ({ kind: 'box', box: numbers(text, [4], 'x0,y0,x1,y1') as unknown as Box })

function parseMask(text: string): Given {
  const { path: file, values, frame } = splitLabelOptions(text)
  if (frame) throw new InvalidArgumentError(`A mask refers to the upright photo, so it takes no '${frame}'.`)
  if (values && isOtherFile(file)) throw new InvalidArgumentError(`'${values}' is for images, found ${file}.`)
  return { kind: 'mask', file, values }
}

const isOtherFile = (file: string): boolean => /\.(safetensors|json)$/.test(file)

function numbers(text: string, counts: readonly number[], form: string): number[] {
  const found = text.split(',').map(part => (part.trim() === '' ? NaN : Number(part)))
  if (!counts.includes(found.length) || !found.every(Number.isFinite))
    throw new InvalidArgumentError(`It must be ${form}.`)
  return found
}

/**
 * The prompts of the options: points, one box and one mask together are about one object; several boxes alone are one
 * object each; `--object` starts another. Throws `E_USAGE` for ambiguous options.
 */
export function promptsOf(given: readonly Given[]): GivenPrompt[] {
  const objects: Given[][] = [[]]
  for (const item of given) {
    if (item.kind === 'object') objects.push([])
    else objects.at(-1)!.push(item)
  }
  const prompts = objects.filter((items, i) => i > 0 || items.length).flatMap(promptsOfObject)
  if (prompts.length === 0) throw usage('give a prompt: at least one of --point, --box, --mask')
  return prompts
}

function promptsOfObject(items: readonly Given[]): GivenPrompt[] {
  const points = items.flatMap(item => (item.kind === 'point' ? [item.point] : []))
  const boxes = items.flatMap(item => (item.kind === 'box' ? [item.box] : []))
  const masks = items.flatMap(item => (item.kind === 'mask' ? [item] : []))
  if (items.length === 0) throw usage('--object must be followed by its --point, --box or --mask')
  if (masks.length > 1) throw usage('one object takes one --mask; put --object before what belongs to the next')
  if (boxes.length > 1 && items.length > boxes.length) {
    throw usage(
      'several boxes are several objects, so it is not clear to which of them the points or the mask belong; put --object before what belongs to the next'
    )
  }
  if (boxes.length > 1) return boxes.map(box => ({ points: [], box }))
  return [
    {
      points,
      ...(boxes[0] && { box: boxes[0] }),
      ...(masks[0] && { mask: masks[0].file }),
      ...(masks[0]?.values && { maskValues: masks[0].values })
    }
  ]
}

/** The prompt as the SDK takes it: its mask file read. */
export async function readPrompt(
  { points, box, mask, maskValues: values }: GivenPrompt,
  signal: AbortSignal
): Promise<Prompt> {
  return {
    ...(points.length ? { points } : {}),
    ...(box ? { box } : {}),
    ...(mask === undefined ? {} : { mask: await readMask(mask, { values, signal }) })
  }
}

interface ReadMaskOptions {
  readonly values: MaskValues | undefined
  readonly signal: AbortSignal
}

/** Throws `E_INPUT` where a picture or a .json holds no mask, several, or an empty one. */
async function readMask(file: string, { values, signal }: ReadMaskOptions): Promise<MaskPrompt> {
  // Saved logits may all be below 0, and still say where the object is not.
  if (file.endsWith('.safetensors')) return savedLogits(file, signal)
  const mask = file.endsWith('.json') ? await savedMask(file) : await pictureMask(file, values)
  if (mask.area === 0) throw new CliError('E_INPUT', `--mask ${file} must have pixels inside, found an empty mask`)
  return mask
}

async function pictureMask(file: string, values: MaskValues | undefined): Promise<Mask> {
  await allowPhotosOnly()
  const [mask, ...others] = await maskPicture(file, values)
  if (!mask) throw new CliError('E_INPUT', `--mask ${file} must have pixels inside, found an empty mask`)
  if (others.length) {
    const labels = [mask, ...others].map(({ label }) => label!)
    const named = labels.length > 6 ? [...labels.slice(0, 5), '…'] : labels
    throw new CliError(
      'E_INPUT',
      `--mask ${file} must hold one mask, found ${labels.length}, of the values ${named.join(', ')}; ` +
        `to take them as one: --mask ${file},nonzero`
    )
  }
  return Mask.fromBitmap(mask)
}

/** `low_res_logits` of a file that `--save-tensors` wrote: of one object, the mask with the highest predicted IoU. */
async function savedLogits(file: string, signal: AbortSignal): Promise<Float32Array> {
  const source = await openWeights(file, { signal })
  try {
    const { shape, data } = await source.read('low_res_logits', signal)
    const [masks, side] = [shape.at(-3) ?? 1, shape.at(-1)!]
    if (data.length !== masks * side * side)
      throw usage(`--mask ${file} must hold the masks of one object, found low_res_logits [${shape}]`)
    const ious = masks > 1 ? (await source.read('iou_predictions', signal)).data : Float32Array.of(1)
    const best = ious.indexOf(Math.max(...ious))
    return data.slice(best * side * side, (best + 1) * side * side)
  } finally {
    await source.close()
  }
}
