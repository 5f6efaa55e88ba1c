import { bytesOf } from './stored.js'
import { renamed, weightSource, type WeightEntry, type WeightSource } from './source.js'

/** Inside the root of a batch norm: PyTorch's default. */
const eps = 1e-5

/**
 * What MobileSAM's file has and SAM never uses: TinyViT's classifier, and which bias belongs to which pair of
 * positions.
 */
const unused = /^image_encoder\.(norm_head|head)\.|\.attn\.attention_bias_idxs$/

/**
 * MobileSAM's file as its graph wants it: what SAM never uses is left out, and each batch norm `X.bn` is folded into
 * the convolution `X.c` before it, which becomes `X.c.weight` and `X.c.bias`. Any other source is returned as it is.
 * MobileSAM: Conv2d_BN.fuse.
 */
export function foldedMobileSam(source: WeightSource): WeightSource {
  const norms = source.names.flatMap(name => {
    const [, at] = /^(image_encoder\..*)\.bn\.running_var$/.exec(name) ?? []
    const parts = ['c.weight', 'bn.weight', 'bn.bias', 'bn.running_mean']
    return at !== undefined && parts.every(part => source.has(`${at}.${part}`)) ? [at] : []
  })
  if (norms.length === 0) return source
  const folded = new Set(norms.flatMap(at => source.names.filter(name => name.startsWith(`${at}.bn.`))))
  for (const at of norms) folded.add(`${at}.c.weight`)
  const rest = renamed(source, name => (folded.has(name) || unused.test(name) ? undefined : name))
  const entries = rest.names.map(
    (name): WeightEntry => ({
      ...rest.info(name),
      bytes: signal => rest.bytes(name, signal),
      locate: () => rest.locate(name)
    })
  )
  return weightSource(source.label, [...entries, ...norms.flatMap(at => foldedConvolution(source, at))], source)
}

/** weight · γ/√(variance + eps), and β − mean · γ/√(variance + eps). */
function foldedConvolution(source: WeightSource, at: string): WeightEntry[] {
  const { shape } = source.info(`${at}.c.weight`)
  const norm = async (signal?: AbortSignal) => {
    const [weight, bias, mean, variance] = await Promise.all(
      ['weight', 'bias', 'running_mean', 'running_var'].map(part => source.read(`${at}.bn.${part}`, signal))
    )
    const scale = Float64Array.from(weight.data, (gamma, i) => gamma / Math.sqrt(variance.data[i] + eps))
    return { scale, bias: Float32Array.from(bias.data, (beta, i) => beta - mean.data[i] * scale[i]) }
  }
  return [
    {
      name: `${at}.c.weight`,
      dtype: 'F32',
      shape,
      async bytes(signal) {
        const [{ data }, { scale }] = await Promise.all([source.read(`${at}.c.weight`, signal), norm(signal)])
        const each = data.length / scale.length
        return bytesOf(data.map((value, i) => value * scale[Math.floor(i / each)]))
      }
    },
    {
      name: `${at}.c.bias`,
      dtype: 'F32',
      shape: [shape[0]],
      bytes: async signal => bytesOf((await norm(signal)).bias)
    }
  ]
}
