import { sizeOf, type Value } from '@sam/core/graph'
import { denseView, walk, type View } from '../view.js'
import { typeOf, type Kernel } from './kernel.js'
import {
  address,
  coordinates,
  folded,
  foldedIndex,
  i32,
  operands,
  perElement,
  sizesOf,
  type Program
} from './program.js'

/** Shorter reductions run in one thread; longer ones are shared by a workgroup. */
const workgroupFrom = 128
const threads = 64

/**
 * A reduction over axes that stay as size 1: each thread reduces every 64th element, then the workgroup reduces the
 * results of its threads.
 */
export const reduce: Kernel = {
  lower(node, to) {
    const x = to.view(node.inputs[0])
    const axes = node.attrs.axes as readonly number[]
    const part = (keep: boolean): View => {
      const at = x.shape.map((_, i) => i).filter(i => axes.includes(i) !== keep)
      return { ...x, shape: at.map(i => x.shape[i]), strides: at.map(i => x.strides[i]) }
    }
    const program = reduction(node, part(true), part(false))
    return denseView(to.emit(program, [x.buffer], { length: sizeOf(node.shape), type: typeOf(node) }), node.shape)
  }
}

function reduction(node: Value, kept: View, folds: View): Program {
  const [outer, inner] = [walk([kept]), walk([folds])]
  const [count, length] = [sizeOf(kept.shape), sizeOf(folds.shape)]
  const type = typeOf(node)
  const fold = (a: string, b: string): string => (node.op === 'reduceMax' ? `max(${a}, ${b})` : `${a} + ${b}`)
  const start = node.op !== 'reduceMax' ? `${type}(0)` : type === 'f32' ? '-uniforms.INFINITY' : 'i32(-2147483648)'
  const base = address('base', { strides: outer.strides[0], offset: kept.offset })
  const step = address('step', { strides: inner.strides[0], offset: 0, prefix: 'k' })
  const uniforms = [
    ...sizesOf(outer.sizes),
    ...sizesOf(inner.sizes, 'inner'),
    i32('length', length),
    ...base.uniforms,
    ...step.uniforms
  ]
  const loop = (from: string, by: number): string => `
  var sum = ${start};
  for (var j = ${from}; j < uniforms.length; j += ${by}) {
${coordinates(inner.sizes.length, { index: 'j', prefix: 'k', size: 'inner' })}
    sum = ${fold('sum', `x0[${base.index} + ${step.index}]`)};
  }`
  if (length < workgroupFrom) {
    return perElement(node.op, {
      count,
      inputs: operands(1),
      uniforms,
      body: `${coordinates(outer.sizes.length)}${loop('0', 1)}\n  result[i] = sum;`
    })
  }
  return {
    name: node.op,
    inputs: operands(1),
    components: 1,
    workgroup: [threads, 1, 1],
    groups: folded(count),
    uniforms: [i32('count', count), ...uniforms],
    shared: threads * 4,
    code: `
var<workgroup> partial : array<${type}, ${threads}>;
fn main() {
  let i = min(${foldedIndex}, uniforms.count - 1);
  let t = i32(localIndex);
${coordinates(outer.sizes.length)}${loop('t', threads)}
  partial[t] = sum;
  workgroupBarrier();
  for (var half = ${threads / 2}; half > 0; half /= 2) {
    if (t < half) { partial[t] = ${fold('partial[t]', 'partial[t + half]')}; }
    workgroupBarrier();
  }
  if (t == 0) { result[i] = partial[0]; }
}`
  }
}
