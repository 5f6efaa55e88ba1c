import { shown, WeightsError } from '../errors.js'
import { configs, type SamConfig } from './config.js'

/** A configuration is refused when a value lies outside these: far from every known model, and cheap to build. */
interface Range {
  readonly from: number
  readonly to: number
  /** Default: whole numbers only. */
  readonly fraction?: boolean
}

const upTo = (to: number): Range => ({ from: 1, to })

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
    mlpRatio: { from: 1 / 16, to: 16, fraction: true },
    window: upTo(128)
  },
  decoder: {
    depth: upTo(16),
    heads: upTo(128),
    mlpWidth: upTo(32_768),
    iouHiddenWidth: upTo(4096),
    multimaskOutputs: upTo(16)
  }
} as const satisfies Readonly<Record<string, Range | Readonly<Record<string, Range>>>>

/** Places on a side of the embedding's grid: attention over the whole grid grows with the fourth power. */
const gridLimit = 128

/** Characters of a configuration as JSON. */
const jsonLimit = 65_536

/** Characters of a configuration's name. */
const nameLimit = 200

/**
 * A configuration from JSON: a file of the caller's, or the metadata of a checkpoint. Throws `WeightsError`
 * `E_WEIGHTS_FORMAT` for what is none, or has a value outside {@link configLimits}.
 */
export function parseConfig(json: string, label: string): SamConfig {
  const refuse = (why: string): never => {
    throw new WeightsError('E_WEIGHTS_FORMAT', `${label}: a model configuration must be a SamConfig as JSON; ${why}`)
  }
  if (json.length > jsonLimit) refuse(`it must have at most ${jsonLimit} characters, has ${json.length}`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    return refuse((cause as Error).message)
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
  check(value, configs.vit_b, 'config')
  checkConfig(value as SamConfig, refuse)
  return value as SamConfig
}

/**
 * Refuses values outside {@link configLimits}, and those that no graph can be built of. For configurations of this
 * form that come from a file; nothing is built before it.
 */
export function checkConfig(config: SamConfig, refuse: (why: string) => never): void {
  const checkRanges = (ranges: Readonly<Record<string, unknown>>, values: object, path: string): void => {
    for (const [key, range] of Object.entries(ranges)) {
      const value: unknown = (values as Record<string, unknown>)[key]
      if (isRange(range)) checkValue(value, range, `${path}.${key}`)
      else checkRanges(range as Record<string, unknown>, value as object, `${path}.${key}`)
    }
  }
  const checkValue = (value: unknown, { from, to, fraction = false }: Range, path: string): void => {
    const fits = typeof value === 'number' && value >= from && value <= to && (fraction || Number.isInteger(value))
    if (!fits)
      refuse(`${path} must be a ${fraction ? '' : 'whole '}number from ${from} to ${to}, found ${shown(value)}`)
  }
  if (config.name.length > nameLimit) refuse(`config.name must have at most ${nameLimit} characters`)
  checkRanges(configLimits, config, 'config')

  const { imageSize, width, maskChannels, decoder } = config
  const vit = config.imageEncoder as Exclude<SamConfig['imageEncoder'], { encode: unknown }>
  const grid = imageSize / vit.patchSize
  const divides = (divisor: number, value: number, what: string): void => {
    if (value % divisor) refuse(`${what}, found ${value} and ${divisor}`)
  }
  divides(vit.patchSize, imageSize, 'config.imageSize must be a multiple of imageEncoder.patchSize')
  if (grid > gridLimit) refuse(`config.imageSize must be at most ${gridLimit} patches, found ${grid}`)
  divides(vit.heads, vit.width, 'config.imageEncoder.width must be a multiple of its heads')
  // 168 × (696 / 168) is 696 only after rounding.
  const hidden = vit.width * vit.mlpRatio
  if (Math.abs(hidden - Math.round(hidden)) > 1e-6)
    refuse(`config.imageEncoder.width × mlpRatio must be a whole number, found ${hidden}`)
  if (vit.globalBlocks.length > vit.depth || vit.globalBlocks.some(i => i >= vit.depth))
    refuse(`config.imageEncoder.globalBlocks must be blocks of 0 … ${vit.depth - 1}`)
  divides(8, width, 'config.width must be a multiple of 8')
  divides(decoder.heads, width / 2, 'config.width / 2 must be a multiple of decoder.heads')
  divides(4, maskChannels, 'config.maskChannels must be a multiple of 4')
}

const isRange = (value: unknown): value is Range => typeof value === 'object' && value !== null && 'to' in value
