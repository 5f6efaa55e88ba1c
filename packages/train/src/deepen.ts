import { f32, InputError, type HostTensor } from '@sam/core/graph'

type Params = Readonly<Record<string, HostTensor>>

/** What lets a block's residual branches speak: Meta's names in an image encoder, Hugging Face's in a CLIP. */
const lastOfBranch = /\.(attn\.proj|mlp\.lin2|self_attn\.out_proj|mlp\.fc2)\.(weight|bias)$/

/**
 * Params of a trained transformer for one with more blocks, to go on from: block k is the old block `order[k]`, and one that is named again is silent, as the last matrices of its residual
 * branches are 0. So the deeper model answers as the old one does, and learns from there (Goyal et al. 2017, 5.1, begin residual branches at 0; Gong et al. 2019, "Efficient training of BERT by progressively stacking", copy blocks).
 * `blocks` is what their names begin with, such as `image_encoder.blocks`. Throws `InputError` `E_BAD_OPTION` where `order` does not name each old block, first in the order of before.
 */
export function deepened(params: Params, { blocks, order }: { readonly blocks: string; readonly order: readonly number[] }): Record<string, HostTensor> {
  const own = Object.keys(params).filter(name => name.startsWith(`${blocks}.`))
  const placeOf = (name: string): number => Number(name.slice(blocks.length + 1).split('.')[0])
  const depth = 1 + Math.max(-1, ...own.map(placeOf))
  if (depth === 0 || `${[...new Set(order)]}` !== `${Array.from({ length: depth }, (_, k) => k)}`) {
    throw new InputError('E_BAD_OPTION', `order must name the ${depth} blocks of ${blocks}, first each once in their order, found ${order.join(', ')}`)
  }
  const rest = Object.fromEntries(Object.entries(params).filter(([name]) => !name.startsWith(`${blocks}.`)))
  const deeper = order.flatMap((old, k) => own.filter(name => placeOf(name) === old).map((name): [string, HostTensor] => {
    const [next, tensor] = [`${blocks}.${k}${name.slice(`${blocks}.${old}`.length)}`, params[name]]
    return [next, order.indexOf(old) < k && lastOfBranch.test(name) ? f32(tensor.shape, new Float32Array(tensor.data.length)) : tensor]
  }))
  return { ...rest, ...Object.fromEntries(deeper) }
}
