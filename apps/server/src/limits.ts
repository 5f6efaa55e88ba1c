import { refuse, shown } from '@sam/core/graph'

/** What the server refuses, each with an option of {@link ServerOptions}. */
export interface Limits {
  /** Bytes of an uploaded or fetched image file. Default 32 MiB. */
  readonly imageBytes: number
  /** Bytes of a JSON body. Default 8 MiB. */
  readonly jsonBytes: number
  /** Pixels of an image, read from its header before it is decoded. Default 64 million. */
  readonly pixels: number
  /** Prompts of one request. Default 64. */
  readonly prompts: number
  /** Milliseconds until a request must be answered, waiting included. Default 120,000. */
  readonly time: number
  /** Milliseconds in which the headers of a request must arrive; its body has six times as long. Default 10,000. */
  readonly headerTime: number
  /** Open connections. Default 1,024. */
  readonly connections: number
  /**
   * Images that wait for the encoder of a model, and as many requests that wait for its decoder. Fewer wait where the
   * last of them could not be answered in time. Default 256.
   */
  readonly waiting: number
}

export const defaultLimits: Limits = {
  imageBytes: 32 * 2 ** 20,
  jsonBytes: 8 * 2 ** 20,
  pixels: 64e6,
  prompts: 64,
  time: 120_000,
  headerTime: 10_000,
  connections: 1024,
  waiting: 256
}

/** The limits with their defaults. Throws `E_BAD_OPTION` for an unknown one, or one that is no whole number from 1. */
export function readLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name))
      refuse('E_BAD_OPTION', `limits: unknown limit '${name}'; known: ${Object.keys(defaultLimits).join(', ')}`)
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      refuse('E_BAD_OPTION', `limits: ${name} must be a whole number from 1, found ${shown(value)}`)
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaultLimits, ...(Object.fromEntries(set) as Partial<Limits>) }
}
