/**
 * The image encoder: a ViT with windowed attention and a few global blocks. Paper: Appendix A, "Image encoder". Meta:
 * modeling/image_encoder.py.
 */
import type { Value } from '../../ir/value.js'
import * as nn from '../../nn/index.js'
import type { Scope } from '../../nn/scope.js'
import * as ops from '../../ops/index.js'
import type { VitConfig } from '../config.js'

/** Inside the root of every norm of the encoder. Meta: build_sam.py. */
const eps = 1e-6

export interface EncodedGrid {
  /** [B, out, g, g] */
  readonly embedding: Value
  /** What each block gives, [B, g, g, width]: for looking inside. */
  readonly blocks: readonly Value[]
}

/** Images [B,3,S,S], normalised and padded → embeddings [B,out,g,g]. Meta: ImageEncoderViT.forward. */
export function imageEncoder(p: Scope, image: Value, { vit, out }: { vit: VitConfig; out: number }): EncodedGrid {
  const patches = patchEmbed(p.at('patch_embed'), image, vit)
  const [, g] = patches.shape as [number, number, number, number]
  const blocks: Value[] = []
  let x = ops.add(patches, p.param('pos_embed', [1, g, g, vit.width]))
  for (let i = 0; i < vit.depth; i++) {
    x = block(p.at('blocks', i), x, { ...vit, window: vit.globalBlocks.includes(i) ? 0 : vit.window, layer: i })
    blocks.push(x)
  }
  return { embedding: ops.transpose(neck(p.at('neck'), x, out), [0, 3, 1, 2]), blocks }
}

/** Non-overlapping patches, each projected to a token: [B,3,S,S] → [B,g,g,width]. Meta: PatchEmbed. */
const patchEmbed = (p: Scope, image: Value, { patchSize, width }: VitConfig): Value =>
  nn.conv2d(p.at('proj'), ops.transpose(image, [0, 2, 3, 1]), { out: width, kernel: patchSize, stride: patchSize })

/** Norm, attention, residual; norm, MLP, residual. Meta: Block. */
function block(p: Scope, x: Value, { layer, ...vit }: VitConfig & { layer: number }): Value {
  const attended = attention(p.at('attn'), nn.layerNorm(p.at('norm1'), x, eps), vit)
  x = nn.residual(p.at('attn'), [x, attended], layer)
  const mlp = nn.mlpBlock(p.at('mlp'), nn.layerNorm(p.at('norm2'), x, eps), {
    hidden: Math.round(vit.width * vit.mlpRatio), // 168 × (696 / 168) is not quite 696
    activation: ops.gelu
  })
  return nn.residual(p.at('mlp'), [x, mlp], layer)
}

/**
 * Self-attention in windows (window 0: over the whole grid) with decomposed relative positions. Meta: Attention,
 * window_partition.
 */
function attention(p: Scope, x: Value, { width, heads, window }: VitConfig): Value {
  const side = window || x.shape[1]
  const qkv = nn.linear(p.at('qkv'), x, 3 * width) // [B, g, g, 3·width]
  const attended = ops.gridAttention(qkv, {
    heads,
    window,
    border: p.at('qkv').param('bias', [3 * width]),
    relPos: [p.param('rel_pos_h', [2 * side - 1, width / heads]), p.param('rel_pos_w', [2 * side - 1, width / heads])]
  })
  return nn.linear(p.at('proj'), attended, width)
}

/** 1×1 convolution, norm, 3×3 convolution, norm. Meta: ImageEncoderViT.neck. */
export function neck(p: Scope, x: Value, out: number): Value {
  const narrow = nn.layerNorm(p.at(1), nn.conv2d(p.at(0), x, { out, kernel: 1, bias: false }), eps)
  return nn.layerNorm(p.at(3), nn.conv2d(p.at(2), narrow, { out, kernel: 3, padding: 1, bias: false }), eps)
}
