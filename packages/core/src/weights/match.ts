import { brief, WeightsError } from '../errors.js'
import { formatShape, sameShape, type Shape } from '../tensor/shape.js'
import type { WeightSource } from './source.js'

/** A parameter a model asks for, by Meta's name. */
export interface WantedWeight {
  readonly name: string
  readonly shape: Shape
}

/** A name whose shape in the checkpoint is not the model's. */
export interface Misshapen {
  readonly name: string
  readonly wanted: Shape
  readonly found: Shape
}

/** `E_WEIGHTS_MISMATCH` with every problem: the message shows the first ten of each kind, these lists hold them all. */
export class WeightsMismatchError extends WeightsError {
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  readonly misshapen: readonly Misshapen[]

  constructor(
    message: string,
    { missing, unexpected, misshapen }: Pick<WeightsMismatchError, 'missing' | 'unexpected' | 'misshapen'>
  ) {
    super('E_WEIGHTS_MISMATCH', message)
    this.missing = missing
    this.unexpected = unexpected
    this.misshapen = misshapen
  }
}

export interface MatchOptions {
  /** Names the checkpoint may have beyond the wanted ones: all of them, or those a test accepts. Default none. */
  readonly allowUnexpected?: boolean | ((name: string) => boolean)
  /** What the caller's user can do if unexpected names are the only problem. It ends the message. */
  readonly extraHint?: string | undefined
  /** What the file looks like, when the caller can tell: 'vit_h'. It ends the message, and is asked only for one. */
  readonly guess?: () => string | undefined
}

/**
 * Checks that a checkpoint has what a model asks for. Throws one `WeightsMismatchError` that lists every missing,
 * unexpected and misshapen name.
 */
export function match(
  wanted: readonly WantedWeight[],
  source: WeightSource,
  { allowUnexpected = false, extraHint, guess }: MatchOptions = {}
): void {
  const names = new Set(wanted.map(w => w.name))
  const allowed = typeof allowUnexpected === 'function' ? allowUnexpected : () => allowUnexpected
  const missing = [...names].filter(name => !source.has(name))
  const unexpected = source.names.filter(name => !names.has(name) && !allowed(name))
  const misshapen = wanted.flatMap(({ name, shape }): Misshapen[] => {
    const found = source.has(name) ? source.info(name).shape : shape
    return sameShape(found, shape) ? [] : [{ name, wanted: shape, found }]
  })
  if (missing.length + unexpected.length + misshapen.length === 0) return

  const onlyExtra = missing.length + misshapen.length === 0
  const likeness = onlyExtra && extraHint !== undefined ? undefined : guess?.()
  const lines = [
    `${source.label}: the checkpoint does not fit the model (${wanted.length} tensors wanted, ${source.names.length} found)`,
    ...section('missing', missing.map(brief)),
    ...section('unexpected', unexpected.map(brief)),
    ...section(
      'wrong shape',
      misshapen.map(m => `${brief(m.name)}: wanted ${formatShape(m.wanted)}, found ${formatShape(m.found)}`)
    ),
    likeness === undefined
      ? ((onlyExtra ? extraHint : undefined) ?? 'Check that the model and the checkpoint belong together.')
      : `The file looks like ${likeness}; load it as that model.`
  ]
  throw new WeightsMismatchError(lines.join('\n'), { missing, unexpected, misshapen })
}

const shown = 10

const section = (title: string, items: readonly string[]): string[] =>
  items.length === 0
    ? []
    : [
        `  ${title}: ${items.length}`,
        ...items.slice(0, shown).map(item => `    ${item}`),
        ...(items.length > shown ? [`    … and ${items.length - shown} more`] : [])
      ]
