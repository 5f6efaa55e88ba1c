/** The fused kernels of the WebGPU backend as graphs, at a model's sizes or reduced for an emulated GPU. */
import type { SamConfig } from '@sam/core'
import { gridSize, isVit } from '@sam/core/model'
import { decompose, graph, input, ops, param, type Graph, type Value } from '@sam/core/graph'

/** Sizes that determine those of the kernels. */
export interface KernelSizes {
  /** Channels of the image encoder, and its heads. */
  readonly width: number
  readonly heads: number
  /** Side of the grid of tokens. */
  readonly grid: number
  readonly window: number
  /** Channels of the embedding, and heads of the decoder. */
  readonly neck: number
  readonly decoderHeads: number
}

/** ViT-B's heads of 64 and windows of 14 on a quarter of its grid: about 0.2 GFLOP in total, fused and decomposed. */
export const emulatedSizes: KernelSizes = { width: 128, heads: 2, grid: 16, window: 14, neck: 64, decoderHeads: 8 }

/** The sizes of a model. */
export function sizesOf(config: SamConfig): KernelSizes {
  const { imageEncoder, width: neck, decoder } = config
  if (!isVit(imageEncoder)) throw new Error(`${config.name}: kernels are measured for ViT encoders`)
  const { width, heads, window } = imageEncoder
  return { width, heads, window, grid: gridSize(config), neck, decoderHeads: decoder.heads }
}

/** A kernel's graph, and the same decomposed to primitives. */
export interface KernelCase {
  readonly name: string
  readonly fused: Graph
  readonly decomposed: Graph
}

/** Each kernel once, as the model uses it. */
export function kernelCases({ width, heads, grid, window, neck, decoderHeads }: KernelSizes): KernelCase[] {
  const d = width / heads
  const tokens = [1, grid, grid, width]
  const linear = (rows: readonly number[], out: number): Value =>
    ops.linear(input('x', rows), param('weight', [out, rows.at(-1)!]), param('bias', [out]))
  const attention = (side: number): Value => {
    const table = param('rel_pos', [2 * (side || grid) - 1, d])
    return ops.gridAttention(input('qkv', [1, grid, grid, 3 * width]), {
      heads,
      window: side,
      border: param('border', [3 * width]),
      relPos: [table, table]
    })
  }
  const image = (name: string): Value => input(name, [1, decoderHeads, grid * grid, neck / 2 / decoderHeads])
  const outputs: Record<string, () => Value> = {
    'patch embedding, 16×16': () =>
      ops.conv2d(
        input('image', [1, 16 * grid, 16 * grid, 3]),
        [param('weight', [width, 3, 16, 16]), param('bias', [width])],
        { stride: 16 }
      ),
    layerNorm: () =>
      ops.layerNorm(input('x', tokens), [param('weight', [width]), param('bias', [width])], { eps: 1e-6 }),
    'linear, qkv': () => linear(tokens, 3 * width),
    'linear with GELU': () => ops.gelu(linear(tokens, 4 * width)),
    'linear with residual': () => ops.add(input('residual', tokens), linear([1, grid, grid, 4 * width], width)),
    'attention in windows': () => attention(window),
    'attention of the grid': () => attention(0),
    'attention, token to image': () =>
      ops.attention([input('q', [1, decoderHeads, 8, neck / 2 / decoderHeads]), image('k'), image('v')]),
    softmax: () => ops.softmax(input('x', [1, heads, grid, grid * grid])),
    'conv2d 3×3, neck': () =>
      ops.conv2d(input('x', [1, grid, grid, neck]), [param('weight', [neck, neck, 3, 3])], { padding: 1 }),
    'convTranspose2d 2×2': () =>
      ops.convTranspose2d(input('x', [1, grid, grid, neck]), [
        param('weight', [neck, neck / 4, 2, 2]),
        param('bias', [neck / 4])
      ]),
    'resizeBilinear, 4×': () => ops.resizeBilinear(input('masks', [1, 4, 4 * grid, 4 * grid]), [16 * grid, 16 * grid])
  }
  return Object.entries(outputs).map(([name, build]) => {
    const fused = graph(name, { y: build() })
    return { name, fused, decomposed: decompose(fused, () => false) }
  })
}
