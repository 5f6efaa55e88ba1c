/**
 * Depthwise convolution, channels last: each channel by a small kernel of its own.
 *
 * 1. As a product per channel: a matrix of one column each, nine tenths of the lanes idle.
 * 2. A thread a strip of results in a row, four channels at once: a column of the image is read once for all results of
 *    the strip that it reaches, and the kernel's row once for the strip.
 */
import { ops, sizeOf, type Value } from '@sam/core/graph'
import { denseView, type View } from '../view.js'
import { functionsFor } from './expression.js'
import type { Lowering } from './kernel.js'
import { folded, foldedIndex, i32, type Binding } from './program.js'

const threads = 64

/** Results of a thread, side by side. */
const strip = 4

/** Whether each channel has one kernel and gives one result. */
export const isDepthwise = ({ inputs: [x, weight] }: Value): boolean =>
  ops.groupsOf(x, weight) === x.shape[3] && weight.shape[0] === x.shape[3]

export function depthwise(node: Value, to: Lowering): View {
  const [x, weight, bias] = node.inputs
  const [, inHeight, inWidth, channels] = x.shape as [number, number, number, number]
  const [batch, height, width] = node.shape as [number, number, number, number]
  const [, , kh, kw] = weight.shape as [number, number, number, number]
  const { stride, padding } = node.attrs as { stride: number; padding: number }
  const lanes = channels % 4 === 0 ? 4 : 1
  const type = lanes === 4 ? 'vec4<f32>' : 'f32'
  const each = (lane: (e: number) => string): string =>
    `${type}(${Array.from({ length: lanes }, (_, e) => lane(e)).join(', ')})`
  const { activation, residual } = to.epilogue(node)

  const results = [...Array(strip).keys()]
  const taps = [...Array(kw).keys()]
  const columns = [...Array((strip - 1) * stride + kw).keys()]
  const column = (at: number): string => {
    const sums = results.flatMap(j => (taps.includes(at - j * stride) ? [`sum${j} += v * w${at - j * stride};`] : []))
    return sums.length
      ? `{ let column = left + ${at}; if (column >= 0 && column < uniforms.inWidth) { let v = x[(row + column) * uniforms.quads + c]; ${sums.join(' ')} } }`
      : ''
  }
  const lane = (name: string, e: number): string => (lanes === 4 ? `${name}[${e}]` : name)
  const finish = (j: number): string =>
    [
      activation === 'gelu'
        ? `sum${j} = ${each(e => `gelu(${lane(`sum${j}`, e)})`)};`
        : activation === 'relu'
          ? `sum${j} = max(sum${j}, ${type}(0.0));`
          : '',
      residual ? `sum${j} += residual[at];` : ''
    ].join(' ')
  const body = `
fn main() {
  let i = ${foldedIndex} * ${threads} + i32(localIndex);
  if (i >= uniforms.count) { return; }
  let c = i % uniforms.quads;
  let across = i / uniforms.quads % uniforms.strips;
  let y = i / uniforms.quads / uniforms.strips % uniforms.height;
  let image = i / uniforms.quads / uniforms.strips / uniforms.height;
  let left = across * ${strip * stride} - uniforms.padding;
  ${results.map(j => `var sum${j} = ${bias ? 'bias[c]' : `${type}(0.0)`};`).join(' ')}
  for (var r = 0; r < ${kh}; r++) {
    let line = y * ${stride} - uniforms.padding + r;
    if (line < 0 || line >= uniforms.inHeight) { continue; }
    let row = (image * uniforms.inHeight + line) * uniforms.inWidth;
    ${taps.map(t => `let w${t} = ${each(e => `weight[(c * ${lanes} + ${e}) * ${kh * kw} + r * ${kw} + ${t}]`)};`).join('\n    ')}
    ${columns.map(column).join('\n    ')}
  }
  ${results
    .map(
      j =>
        `if (across * ${strip} + ${j} < uniforms.width) { let at = ((image * uniforms.height + y) * uniforms.width + across * ${strip} + ${j}) * uniforms.quads + c; ${finish(j)} result[at] = sum${j}; }`
    )
    .join('\n  ')}
}`
  const strips = Math.ceil(width / strip)
  const quads = channels / lanes
  const count = batch * height * strips * quads
  const wide = (name: string): Binding => ({ name, components: lanes })
  const buffer = to.emit(
    {
      name: 'depthwise conv2d',
      components: lanes,
      workgroup: [threads, 1, 1],
      groups: folded(Math.ceil(count / threads)),
      inputs: [
        wide('x'),
        { name: 'weight', components: 1 },
        ...(bias ? [wide('bias')] : []),
        ...(residual ? [wide('residual')] : [])
      ],
      uniforms: [
        i32('count', count),
        i32('quads', quads),
        i32('strips', strips),
        i32('height', height),
        i32('width', width),
        i32('inHeight', inHeight),
        i32('inWidth', inWidth),
        i32('padding', padding)
      ],
      code: functionsFor(body) + body
    },
    [x, weight, ...(bias ? [bias] : []), ...(residual ? [residual] : [])].map(v => to.dense(v)),
    { length: sizeOf(node.shape), type: 'f32', flops: 2 * sizeOf(node.shape) * kh * kw }
  )
  return denseView(buffer, node.shape)
}
