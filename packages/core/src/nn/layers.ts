import type { Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import type { Scope } from './scope.js'

/** Layers: an operation with named weights. `nn.*` has parameters, `ops.*` has none. */

/** `weight` [out, in] and `bias` [out]. PyTorch: nn.Linear. */
export const linear = (p: Scope, x: Value, out: number): Value =>
  ops.linear(x, p.param('weight', [out, x.shape.at(-1)!]), p.param('bias', [out]))

/**
 * `weight` and `bias` along the last axis. PyTorch: nn.LayerNorm; over channels-last maps it is also Meta's
 * LayerNorm2d.
 */
export const layerNorm = (p: Scope, x: Value, eps: number): Value =>
  ops.layerNorm(x, [p.param('weight', [x.shape.at(-1)!]), p.param('bias', [x.shape.at(-1)!])], { eps })

export interface ConvLayer extends ops.ConvOptions {
  readonly out: number
  readonly kernel: number
  /** Default true. */
  readonly bias?: boolean
}

/** `weight` [out, in / groups, k, k] and `bias` [out]; channels last. PyTorch: nn.Conv2d. */
export function conv2d(p: Scope, x: Value, { out, kernel, bias = true, ...options }: ConvLayer): Value {
  const weight = p.param('weight', [out, x.shape[3] / (options.groups ?? 1), kernel, kernel])
  return ops.conv2d(x, bias ? [weight, p.param('bias', [out])] : [weight], options)
}

/**
 * `weight` [in, out, 2, 2] and `bias` [out] map each position to the 2 × 2 positions it is upsampled to, one after
 * the other: [..., in] → [..., 4·out]. PyTorch: nn.ConvTranspose2d with kernel and stride 2, before the tiles are
 * arranged in the plane.
 */
export function tile2x(p: Scope, x: Value, out: number): Value {
  const weight = ops.transpose(p.param('weight', [x.shape.at(-1)!, out, 2, 2]), [2, 3, 1, 0])
  const bias = ops.broadcastTo(p.param('bias', [out]), [4, out])
  return ops.linear(x, ops.reshape(weight, [4 * out, -1]), ops.reshape(bias, [4 * out]))
}

/** A full embedding table: [rows, width]. PyTorch: nn.Embedding. */
export const embedding = (p: Scope, [rows, width]: readonly [number, number]): Value => p.param('weight', [rows, width])

export interface MlpOptions {
  /** Width of each layer's output. */
  readonly widths: readonly number[]
}

/** `layers.{i}` with ReLU between. Meta: mask_decoder.py#MLP. */
export const mlp = (p: Scope, x: Value, { widths }: MlpOptions): Value =>
  widths.reduce((y, width, i) => {
    const z = linear(p.at('layers', i), y, width)
    return i < widths.length - 1 ? ops.relu(z) : z
  }, x)

export interface MlpBlockOptions {
  readonly hidden: number
  readonly activation: (x: Value) => Value
}

/** `lin2(act(lin1(x)))`, of the same width as x. Meta: common.py#MLPBlock. */
export const mlpBlock = (p: Scope, x: Value, { hidden, activation }: MlpBlockOptions): Value =>
  linear(p.at('lin2'), activation(linear(p.at('lin1'), x, hidden)), x.shape.at(-1)!)
