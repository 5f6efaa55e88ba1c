import { ops, type Value } from '@sam/core/graph'
import type { Builder, Emit } from '../builder.js'
import * as write from './write.js'
import { reshape, transpose } from './write.js'

/**
 * Kernel = stride: patches × weight, channels last. Otherwise Conv, which has channels second: what lies between two of
 * them stays so (`planes`), and is written channels last only where something else reads it.
 */
export const conv2d: Emit = (to, y) => {
  if (!isPatches(y) || arePlanes(y)) return transpose(to, planes(to, y), [0, 2, 3, 1])
  const [x, weight, bias] = y.inputs
  const [b, , , c] = x.shape as [number, number, number, number]
  const [out, , kh, kw] = weight.shape as [number, number, number, number]
  const [, rows, columns] = y.shape as [number, number, number, number]
  let patches = to.of(x)
  if (kh > 1) {
    const whole = to.node('Slice', [patches, to.ints([0, 0]), to.ints([rows * kh, columns * kw]), to.ints([1, 2])])
    patches = transpose(to, reshape(to, whole, [b, rows, kh, columns, kw, c]), [0, 1, 3, 5, 2, 4]) // [B, rows, columns, in, kh, kw]
  }
  const matrix = reshape(to, to.of(weight), [out, c * kh * kw])
  const inputs = [reshape(to, patches, [-1, c * kh * kw]), matrix, ...(bias ? [to.of(bias)] : [])]
  return reshape(to, to.node('Gemm', inputs, { transB: 1 }), y.shape)
}

const isPatches = ({ inputs: [x, weight], attrs: { stride, padding } }: Value): boolean =>
  weight.shape.slice(2).every(side => side === stride) && padding === 0 && ops.groupsOf(x, weight) === 1

/** Operations that do to planes what they do to anything. */
const elementwise: Readonly<Record<string, (to: Builder, ...operands: string[]) => string>> = {
  gelu: write.gelu,
  relu: (to, x) => to.node('Relu', [x]),
  add: (to, ...operands) => to.node('Add', operands)
}

/** Whether a value [B,H,W,C] is there as planes [B,C,H,W] without being transposed. */
function arePlanes(value: Value): boolean {
  if (value.op === 'conv2d') {
    const [x, { shape }] = value.inputs
    return !isPatches(value) || (shape[2] * shape[3] === 1 && arePlanes(x))
  }
  if (value.op === 'transpose') return `${value.attrs.perm as number[]}` === '0,2,3,1'
  return Object.hasOwn(elementwise, value.op) && value.inputs.every(arePlanes)
}

const written = new WeakMap<Builder, Map<Value, string>>()

/** The name of a value [B,H,W,C] as planes [B,C,H,W]. */
function planes(to: Builder, value: Value): string {
  const names = written.get(to) ?? new Map<Value, string>()
  written.set(to, names)
  const name = names.get(value) ?? write()
  names.set(value, name)
  return name

  function write(): string {
    if (!arePlanes(value)) return transpose(to, to.of(value), [0, 3, 1, 2])
    if (value.op === 'transpose') return to.of(value.inputs[0])
    if (value.op !== 'conv2d') return elementwise[value.op](to, ...value.inputs.map(x => planes(to, x)))
    const [x, weight, bias] = value.inputs
    const { stride, padding } = value.attrs as { stride: number; padding: number }
    return to.node('Conv', [planes(to, x), to.of(weight), ...(bias ? [to.of(bias)] : [])], {
      pads: Array<number>(4).fill(padding),
      strides: [stride, stride],
      group: ops.groupsOf(x, weight)
    })
  }
}
