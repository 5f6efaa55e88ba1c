/** Softmax and layerNorm: rows along one axis, read three times and written once. */
import { sizeOf, type Value } from '@sam/core/graph'
import { denseView } from '../view.js'
import type { Kernel } from './kernel.js'
import { f32, folded, foldedIndex, i32, operands, type Program, type Uniform } from './program.js'

const threads = 64

/** Length from which a workgroup shares a row; a shorter or strided row is processed by one thread. */
const sharedFrom = 48

export const softmax: Kernel = {
  supports: node => node.dtype === 'f32',
  lower(node, to) {
    const x = to.dense(node.inputs[0])
    const program = rows(node, {
      inputs: 1,
      uniforms: [],
      start: ['-uniforms.INFINITY', '0.0'],
      fold: ['max(a, b)', 'a + b'],
      pass: ['v', 'exp(v - total0)'],
      write: 'exp(v - total0) / total1'
    })
    return denseView(to.emit(program, [x], { length: sizeOf(node.shape), type: 'f32' }), node.shape)
  }
}

export const layerNorm: Kernel = {
  supports: node => node.dtype === 'f32',
  lower(node, to) {
    const [x, weight, bias] = node.inputs.map(v => to.dense(v))
    const program = rows(node, {
      inputs: 3,
      uniforms: [f32('eps', node.attrs.eps as number)],
      start: ['0.0', '0.0'],
      fold: ['a + b', 'a + b'],
      pass: ['v', '(v - total0 / size) * (v - total0 / size)'],
      // The argument of the root is a mean of squares, never negative.
      write: '(v - total0 / size) * inverseSqrt(total1 / size + uniforms.eps) * x1[k] + x2[k]'
    })
    return denseView(to.emit(program, [x, weight, bias], { length: sizeOf(node.shape), type: 'f32' }), node.shape)
  }
}

interface Rows {
  readonly inputs: number
  readonly uniforms: readonly Uniform[]
  /** The initial values of the two totals; below, what an element `v` contributes, and how parts a and b combine. */
  readonly start: readonly [string, string]
  readonly pass: readonly [string, string]
  readonly fold: readonly [string, string]
  /** Element k of the row, from `v` and both totals. */
  readonly write: string
}

/** Two totals over a row, one after the other, then every element from them. The row's elements are `step` apart. */
function rows(node: Value, { inputs, uniforms, start, pass, fold, write }: Rows): Program {
  const axis = node.attrs.axis as number
  const [length, step] = [node.shape[axis], sizeOf(node.shape.slice(axis + 1))]
  const count = sizeOf(node.shape) / length
  const shared = step === 1 && length >= sharedFrom
  const [from, by] = shared ? ['t', threads] : ['0', 1]
  const total = (n: 0 | 1): string => `
  var part${n} = ${start[n]};
  for (var k = ${from}; k < uniforms.length; k += ${by}) { let v = x0[base + k * uniforms.step]; part${n} = join${n}(part${n}, ${pass[n]}); }
  let total${n} = ${shared ? `across${n}(part${n}, t)` : `part${n}`};`
  const across = (n: 0 | 1): string => `
fn across${n}(part : f32, t : i32) -> f32 {
  parts[t] = part;
  workgroupBarrier();
  for (var half = ${threads / 2}; half > 0; half /= 2) {
    if (t < half) { parts[t] = join${n}(parts[t], parts[t + half]); }
    workgroupBarrier();
  }
  let total = parts[0];
  workgroupBarrier();
  return total;
}`
  return {
    name: node.op,
    inputs: operands(inputs),
    components: 1,
    workgroup: [threads, 1, 1],
    groups: folded(shared ? count : Math.ceil(count / threads)),
    uniforms: [i32('count', count), i32('length', length), i32('step', step), ...uniforms],
    ...(shared ? { shared: threads * 4 } : {}),
    code: `
${shared ? `var<workgroup> parts : array<f32, ${threads}>;` : ''}
fn join0(a : f32, b : f32) -> f32 { return ${fold[0]}; }
fn join1(a : f32, b : f32) -> f32 { return ${fold[1]}; }
${shared ? across(0) + across(1) : ''}
fn main() {
  let t = i32(localIndex);
  ${shared ? `let row = min(${foldedIndex}, uniforms.count - 1);` : `let row = ${foldedIndex} * ${threads} + t; if (row >= uniforms.count) { return; }`}
  let base = (row / uniforms.step) * uniforms.length * uniforms.step + row % uniforms.step;
  let size = f32(uniforms.length);
${total(0)}
${total(1)}
  for (var k = ${from}; k < uniforms.length; k += ${by}) { let v = x0[base + k * uniforms.step]; result[base + k * uniforms.step] = ${write}; }
}`
  }
}
