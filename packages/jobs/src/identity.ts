import { createHash } from 'node:crypto'
import { openWeights, type SamConfig, type WeightsLike } from '@sam/core'
import type { Job } from './job.js'

/**
 * What the results of a job depend on. Two runs with the same identity compute the same records, so either can continue
 * the other.
 */
export interface Identity {
  /** Of the results: the SDK's, and of these records. */
  readonly version: string
  /** Digests of the model and of its CLIP. */
  readonly weights: readonly string[]
  /**
   * The settings, without the paths of the weights. `config` is that of `model`, where a checkpoint is given one;
   * `clip` is the digest of a CLIP's configuration and tokenizer.
   */
  readonly settings: Pick<Job, 'automatic' | 'phrases' | 'prompts' | 'decoderHeads'> & {
    readonly config?: SamConfig | undefined
    readonly clip?: string | undefined
  }
}

/** The identity of a job on these weights. */
export const identityOf = (
  { automatic, phrases, prompts, decoderHeads }: Job,
  {
    version,
    weights,
    config,
    clip
  }: Pick<Identity, 'version' | 'weights'> & Pick<Identity['settings'], 'config' | 'clip'>
): Identity => ({ version, weights, settings: { automatic, phrases, prompts, decoderHeads, config, clip } })

/** SHA-256 of a JSON value, such as an identity, independent of the order of its keys. */
export const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex')

/** JSON with sorted keys. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  )

/** SHA-256 of a checkpoint: the names, types, shapes and bytes of its tensors, whatever the format of the file. */
export async function weightsDigest(from: WeightsLike, signal?: AbortSignal): Promise<string> {
  const weights = await openWeights(from, { signal })
  try {
    const hash = createHash('sha256')
    for (const name of [...weights.names].sort()) {
      const { shape, dtype } = weights.info(name)
      hash.update(JSON.stringify([name, dtype, shape]))
      hash.update(await weights.bytes(name, signal))
    }
    return hash.digest('hex')
  } finally {
    if (weights !== from) await weights.close()
  }
}
