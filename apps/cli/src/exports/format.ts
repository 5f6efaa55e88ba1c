import type { SamConfig, WeightSource } from '@sam/core'
import { usage } from '../failure.js'

/** Types of stored weights: `--dtype`, and their names in safetensors. */
export const storedTypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const

/** A SAM to export. */
export interface ExportedSam {
  readonly weights: WeightSource
  /** Throws `WeightsError` where the checkpoint is no SAM, or does not determine it. */
  readonly config: () => SamConfig
}

/** Options of `sam export`, as on the command line. Each format names those that it reads. */
export interface FormatOptions {
  readonly dtype?: readonly string[]
  readonly returnSingleMask?: boolean
  readonly useStabilityScore?: boolean
  readonly returnExtraMetrics?: boolean
  readonly geluApproximate?: boolean
  readonly opset?: number
  readonly quantizeOut?: string
}

/** A file to write. Its content is made when it is its turn. */
export interface ExportFile {
  readonly path: string
  readonly chunks: (signal: AbortSignal) => Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>>
}

/** The files of a format, of which `to` is the only one, or the folder. */
export interface Format {
  readonly folder: boolean
  readonly reads: readonly (keyof FormatOptions)[]
  files(sam: ExportedSam, to: string, options: FormatOptions): Promise<readonly ExportFile[]> | readonly ExportFile[]
}

export const jsonFile = (path: string, content: unknown): ExportFile => ({
  path,
  chunks: async () => [new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`)]
})

/** The values of `--dtype` that a format knows. Throws `E_USAGE`. */
export function dtypes<T extends string>(
  { dtype }: FormatOptions,
  known: Readonly<Record<T, unknown>>,
  usual: readonly T[]
): readonly T[] {
  for (const name of dtype ?? [])
    if (!Object.hasOwn(known, name))
      throw usage(`--dtype must be ${Object.keys(known).join(', ')} for this format, found '${name}'`)
  return (dtype as readonly T[] | undefined) ?? usual
}

/** The one value of `--dtype`. */
export function oneDtype<T extends string>(options: FormatOptions, known: Readonly<Record<T, unknown>>): T | undefined {
  const [first, ...others] = dtypes(options, known, [])
  if (others.length) throw usage(`--dtype must be one type for this format, found ${options.dtype!.join(',')}`)
  return first
}
