import { refusing, shown, type Refuse } from '../errors.js'
import {
  configs,
  gridSize,
  isTinyVit,
  isVit,
  mobileSam,
  type SamConfig,
  type TinyVitConfig,
  type VitConfig
} from './config.js'

/** A configuration is refused when a value lies outside these: far from every known model, and cheap to build. */
interface Range {
  readonly from: number
  readonly to: number
  /** Default: whole numbers only. */
  readonly fraction?: boolean
}

const upTo = (to: number): Range => ({ from: 1, to })

/** A list of such values, one for each stage of an encoder. */
interface Ranges {
  readonly each: Range
  /** The most stages. */
  readonly length: number
}

const perStage = (each: Range): Ranges => ({ each, length: 8 })
const ratio: Range = { from: 1 / 16, to: 16, fraction: true }

/** What each value of a configuration may be. ViT-22B has 48 blocks of width 6144. SECURITY.md lists these. */
export const configLimits = {
  imageSize: upTo(4096),
  width: upTo(4096),
  maskChannels: upTo(1024),
  imageEncoder: {
    patchSize: upTo(64),
    width: upTo(8192),
    depth: upTo(64),
    heads: upTo(128),
    mlpRatio: ratio,
    window: upTo(128)
  },
  decoder: {
    depth: upTo(16),
    heads: upTo(128),
    mlpWidth: upTo(32_768),
    iouHiddenWidth: upTo(4096),
    multimaskOutputs: upTo(16)
  }
} as const satisfies Limits

/** Those of a TinyViT. */
const tinyVitLimits = {
  widths: perStage(upTo(8192)),
  depths: perStage(upTo(64)),
  heads: perStage(upTo(128)),
  windows: perStage(upTo(128)),
  mlpRatio: ratio,
  expandRatio: ratio,
  localConvSize: upTo(31)
} as const satisfies Limits

type Limits = { readonly [key: string]: Range | Ranges | Limits }

/** Places on a side of the embedding's grid: attention over the whole grid grows with the fourth power. */
const gridLimit = 128

/** Characters of a configuration as JSON. */
const jsonLimit = 65_536

/** Characters of a configuration's name. */
const nameLimit = 200

/**
 * A configuration from JSON: a file of the caller's, or the metadata of a checkpoint. Throws `WeightsError`
 * `E_WEIGHTS_FORMAT` for what is none, or has a value outside `configLimits`.
 */
export function parseConfig(json: string, label: string): SamConfig {
  const refuse: Refuse = refusing('E_WEIGHTS_FORMAT', `${label}: a model configuration must be a SamConfig as JSON; `)
  if (json.length > jsonLimit) refuse(`it must have at most ${jsonLimit} characters, has ${json.length}`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    return refuse((cause as Error).message, cause)
  }
  const check = (found: unknown, wanted: unknown, path: string): void => {
    if (Array.isArray(wanted)) {
      if (!Array.isArray(found) || !found.every(n => Number.isInteger(n) && n >= 0))
        refuse(`${path} must be a list of whole numbers`)
    } else if (typeof wanted === 'object') {
      if (typeof found !== 'object' || found === null) refuse(`${path} must be an object`)
      for (const [key, inner] of Object.entries(wanted!))
        check((found as Record<string, unknown>)[key], inner, `${path}.${key}`)
    } else if (typeof found !== typeof wanted) refuse(`${path} must be a ${typeof wanted}, found ${shown(found)}`)
  }
  const { imageEncoder } = (value ?? {}) as Partial<SamConfig>
  const isTiny = typeof imageEncoder === 'object' && imageEncoder !== null && isTinyVit(imageEncoder)
  check(value, isTiny ? mobileSam : configs.vit_b, 'config')
  checkConfig(value as SamConfig, refuse)
  return value as SamConfig
}

/**
 * Refuses values outside `configLimits`, and those that no graph can be built of. For configurations of this
 * form that come from a file; nothing is built before it.
 */
export function checkConfig(config: SamConfig, refuse: Refuse): void {
  const { name, imageEncoder: encoder, imageSize, width, maskChannels, decoder } = config
  if (name.length > nameLimit) refuse(`config.name must have at most ${nameLimit} characters`)
  const isTiny = isTinyVit(encoder)
  checkLimits({ limits: isTiny ? { ...configLimits, imageEncoder: tinyVitLimits } : configLimits, of: config }, refuse)

  const multiple = (value: number, divisor: number, what: string): void => {
    if (value % divisor) refuse(`${what}, found ${value} and ${divisor}`)
  }
  if (isTiny) checkTinyVit(encoder, refuse)
  else if (isVit(encoder)) checkVit(encoder, refuse)
  const grid = gridSize(config)
  multiple(
    imageSize,
    imageSize / grid,
    'config.imageSize must be a multiple of what a position of the embedding covers'
  )
  if (grid > gridLimit) refuse(`config.imageSize must be at most ${gridLimit} positions, found ${grid}`)
  multiple(width, 8, 'config.width must be a multiple of 8')
  multiple(width / 2, decoder.heads, 'config.width / 2 must be a multiple of decoder.heads')
  multiple(maskChannels, 4, 'config.maskChannels must be a multiple of 4')
}

function checkVit({ width, heads, depth, mlpRatio, globalBlocks }: VitConfig, refuse: Refuse): void {
  if (width % heads) refuse(`config.imageEncoder.width must be a multiple of its heads, found ${width} and ${heads}`)
  // 168 × (696 / 168) is 696 only after rounding.
  const hidden = width * mlpRatio
  if (Math.abs(hidden - Math.round(hidden)) > 1e-6)
    refuse(`config.imageEncoder.width × mlpRatio must be a whole number, found ${hidden}`)
  if (globalBlocks.length > depth || globalBlocks.some(i => i >= depth))
    refuse(`config.imageEncoder.globalBlocks must be blocks of 0 … ${depth - 1}`)
}

function checkTinyVit({ widths, depths, heads, windows }: TinyVitConfig, refuse: Refuse): void {
  const stages = widths.length
  if (stages < 2 || depths.length !== stages || heads.length !== stages - 1 || windows.length !== stages - 1)
    refuse(
      `config.imageEncoder must have widths and depths of two stages or more, and heads and windows of all but the ` +
        `first, found ${widths.length}, ${depths.length}, ${heads.length} and ${windows.length}`
    )
  const odd = heads.findIndex((n, i) => widths[i + 1] % n)
  if (odd >= 0)
    refuse(
      `config.imageEncoder.widths must be multiples of their stage's heads, found ${widths[odd + 1]} and ${heads[odd]}`
    )
}

/** Refuses the first value that lies outside its range. */
function checkLimits(
  { limits, of: values, path = 'config' }: { limits: Limits; of: object; path?: string },
  refuse: Refuse
): void {
  const checkValue = (value: unknown, { from, to, fraction = false }: Range, at: string): void => {
    const fits = typeof value === 'number' && value >= from && value <= to && (fraction || Number.isInteger(value))
    if (!fits) refuse(`${at} must be a ${fraction ? '' : 'whole '}number from ${from} to ${to}, found ${shown(value)}`)
  }
  for (const [key, limit] of Object.entries(limits)) {
    const value = (values as Record<string, unknown>)[key]
    const at = `${path}.${key}`
    if (isRange(limit)) checkValue(value, limit, at)
    else if (isRanges(limit)) {
      const list = value as readonly unknown[]
      if (list.length > limit.length) refuse(`${at} must have at most ${limit.length} values, found ${list.length}`)
      list.forEach((each, i) => checkValue(each, limit.each, `${at}[${i}]`))
    } else checkLimits({ limits: limit, of: value as object, path: at }, refuse)
  }
}

const isRange = (limit: Limits[string]): limit is Range => 'to' in limit
const isRanges = (limit: Limits[string]): limit is Ranges => 'each' in limit
