/**
 * TinyViT as an image encoder: convolutions, then attention in windows with a learned bias. MobileSAM:
 * modeling/tiny_vit_sam.py. Batch norms are folded into their convolutions where weights are prepared
 * (weights/mobile-sam.ts).
 */
import type { Value } from '../../ir/value.js'
import * as nn from '../../nn/index.js'
import type { Scope } from '../../nn/scope.js'
import * as ops from '../../ops/index.js'
import type { TinyVitConfig } from '../config.js'
import { neck, type EncodedGrid } from './vit.js'

/** Inside the root of the norms of blocks: PyTorch's default. The neck has Meta's. */
const eps = 1e-5

/**
 * Images [B,3,S,S], normalised and padded → embeddings [B,out,g,g], g = S/16 with four stages; `blocks` are the patch
 * embedding and each stage, [B, side, side, width]. MobileSAM: TinyViT.forward_features.
 */
export function tinyVit(
  p: Scope,
  image: Value,
  { encoder, out }: { encoder: TinyVitConfig; out: number }
): EncodedGrid {
  const { widths, depths } = encoder
  let x = patchEmbed(p.at('patch_embed', 'seq'), image, widths[0])
  const stages = [x]
  let layer = 0
  for (const [i, depth] of depths.entries()) {
    const stage = p.at('layers', i)
    for (let j = 0; j < depth; j++, layer++) {
      const block = stage.at('blocks', j)
      x =
        i === 0
          ? mbConv(block, x, { expandRatio: encoder.expandRatio, layer })
          : tinyVitBlock(block, x, { ...encoder, heads: encoder.heads[i - 1], window: encoder.windows[i - 1], layer })
    }
    // The last merging keeps the resolution, so that four stages end on SAM's grid.
    if (i < depths.length - 1)
      x = patchMerging(stage.at('downsample'), x, { out: widths[i + 1], stride: i < depths.length - 2 ? 2 : 1 })
    stages.push(x)
  }
  return { embedding: ops.transpose(neck(p.at('neck'), x, out), [0, 3, 1, 2]), blocks: stages }
}

/** A convolution whose batch norm is folded into it. MobileSAM: Conv2d_BN. */
const convBn = (p: Scope, x: Value, options: nn.ConvLayer): Value => nn.conv2d(p.at('c'), x, options)

/** A depthwise convolution, zeros around it, its batch norm folded into it. MobileSAM: Conv2d_BN. */
const depthwise = (p: Scope, x: Value, { kernel = 3, stride = 1 }: { kernel?: number; stride?: number } = {}): Value =>
  convBn(p, x, { out: x.shape[3], kernel, stride, padding: Math.floor(kernel / 2), groups: x.shape[3] })

/** Two 3×3 convolutions of stride 2: [B,3,S,S] → [B, S/4, S/4, width]. MobileSAM: PatchEmbed. */
function patchEmbed(p: Scope, image: Value, width: number): Value {
  const half = convBn(p.at(0), ops.transpose(image, [0, 2, 3, 1]), { out: width / 2, kernel: 3, stride: 2, padding: 1 })
  return convBn(p.at(2), ops.gelu(half), { out: width, kernel: 3, stride: 2, padding: 1 })
}

/** Widen, depthwise convolution, narrow, residual, GELU after each. MobileSAM: MBConv. */
function mbConv(p: Scope, x: Value, { expandRatio, layer }: { expandRatio: number; layer: number }): Value {
  const width = x.shape[3]
  const wide = ops.gelu(convBn(p.at('conv1'), x, { out: width * expandRatio, kernel: 1 }))
  const narrow = convBn(p.at('conv3'), ops.gelu(depthwise(p.at('conv2'), wide)), { out: width, kernel: 1 })
  return ops.gelu(nn.residual(p, [x, narrow], layer))
}

/** To the next stage's width, and to half the resolution where the stride is 2. MobileSAM: PatchMerging. */
function patchMerging(p: Scope, x: Value, { out, stride }: { out: number; stride: number }): Value {
  const wide = ops.gelu(convBn(p.at('conv1'), x, { out, kernel: 1 }))
  return convBn(p.at('conv3'), ops.gelu(depthwise(p.at('conv2'), wide, { stride })), { out, kernel: 1 })
}

interface BlockOptions extends Pick<TinyVitConfig, 'mlpRatio' | 'localConvSize'> {
  readonly heads: number
  readonly window: number
  /** Of all blocks, from 0. */
  readonly layer: number
}

/** Attention, residual; depthwise convolution, without a residual; MLP, residual. MobileSAM: TinyViTBlock. */
function tinyVitBlock(p: Scope, x: Value, { heads, window, mlpRatio, localConvSize, layer }: BlockOptions): Value {
  const attended = nn.residual(p.at('attn'), [x, attention(p.at('attn'), x, { heads, window })], layer)
  const local = depthwise(p.at('local_conv'), attended, { kernel: localConvSize })
  return nn.residual(p.at('mlp'), [local, mlp(p.at('mlp'), local, local.shape[3] * mlpRatio)], layer)
}

/** Norm and self-attention in windows, with a learned bias for each distance. MobileSAM: Attention. */
function attention(p: Scope, x: Value, { heads, window }: { heads: number; window: number }): Value {
  const width = x.shape[3]
  const qkv = nn.linear(p.at('qkv'), nn.layerNorm(p.at('norm'), x, eps), 3 * width) // [B, g, g, 3·width]
  // The grid is padded with zeros before the norm, which makes its own bias of them.
  const padding = ops.reshape(p.at('norm').param('bias', [width]), [1, width])
  const attended = ops.windowAttention(qkv, {
    heads,
    window,
    border: ops.reshape(nn.linear(p.at('qkv'), padding, 3 * width), [3 * width]),
    bias: ops.windowBias(p.param('attention_biases', [heads, window * window]), window)
  })
  return nn.linear(p.at('proj'), attended, width)
}

/** Norm, linear, GELU, linear. MobileSAM: Mlp. */
const mlp = (p: Scope, x: Value, hidden: number): Value =>
  nn.linear(p.at('fc2'), ops.gelu(nn.linear(p.at('fc1'), nn.layerNorm(p.at('norm'), x, eps), hidden)), x.shape[3])
