/**
 * Writes docs/ops.md from the tables of the code and the descriptions below: `node tools/run.js tools/docs/ops.ts`. A
 * primitive without a description does not compile.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toposort, traits, valuesOf, type Primitive, type Value } from '@sam/core/graph'
import { conformanceCases } from '@sam/core/testing'

export const pagePath = fileURLToPath(new URL('../../docs/ops.md', import.meta.url))

/** Meaning and gradient of each primitive; g is the cotangent of the output y. */
const primitives: Record<Primitive, readonly [meaning: string, gradient: string]> = {
  neg: ['−x', '−g'],
  exp: ['eˣ', 'g·y'],
  log: ['ln x', 'g / x'],
  sqrt: ['√x', 'g / 2y'],
  sin: ['sin x', 'g·cos x'],
  cos: ['cos x', '−g·sin x'],
  erf: ['the Gauss error function', 'g·(2/√π)·exp(−x²)'],
  cast: [
    'conversion to another type; floats are truncated to integers, and bool is x ≠ 0',
    'cast back; none for integers and bool'
  ],
  add: ['a + b', 'g, g'],
  sub: ['a − b', 'g, −g'],
  mul: ['a·b', 'g·b, g·a'],
  div: ['a / b, floats only', 'g / b, −g·y / b'],
  max: [
    'the larger of a and b',
    'g goes to the larger operand; if they are equal, to the first. Therefore relu(x) = max(0, x) has gradient 0 at x = 0.'
  ],
  less: ['a < b, as bool', 'none'],
  equal: ['a = b, as bool', 'none'],
  where: ['condition ? a : b', 'none, where(condition, g, 0), where(condition, 0, g)'],
  reduceSum: ['sum over axes, kept with size 1', 'broadcast'],
  reduceMax: ['maximum over axes, kept with size 1', 'g divided equally among the elements equal to y'],
  matmul: ['[…, m, k] × […, k, n], with equal batch axes', 'g·bᵀ, aᵀ·g'],
  reshape: ['the same elements in another shape', 'reshape'],
  transpose: ['output axis i is input axis perm[i]', 'transpose back'],
  broadcast: ['axes of size 1 repeated', 'reduceSum'],
  slice: ['elements start … start + shape − 1 of each axis', 'pad'],
  pad: ['a constant border', 'slice'],
  concat: ['joined along an axis', 'slices'],
  gather: ['elements along an axis, selected by a 1-D i32 index', 'scatterAdd'],
  scatterAdd: ['zeros of the given size, with the input added at a 1-D i32 index along an axis', 'gather'],
  stopGradient: ['x', 'none']
}

/** Decomposition of each composite. */
const composites: Readonly<Record<string, string>> = {
  linear: 'rows × weightᵀ + bias, over the last axis',
  relu: 'max(0, x)',
  sigmoid: '1 / (1 + e^−x)',
  softplus: 'log(1 + e^x)',
  gelu: '½·x·(1 + erf(x/√2)), the exact form',
  softmax: 'exp(x − max) / Σ, along one axis',
  layerNorm: '(x − mean) / √(variance + eps) · weight + bias, along one axis',
  attention: 'softmax(scale·q·kᵀ + bias)·v; the bias is a mask, or relative positions by row and by column',
  crossAttention:
    'projections of q, k and v; attention per head; output projection. With q, k and v from one sequence it is self-attention',
  residual: 'x + branch; marks the branch for dropout and drop path in training',
  gridAttention:
    'q, k, v from one product; windows, padded with the border; relative positions from the unscaled q; attention; inverse window partition',
  windowAttention:
    'q, k, v of each head from one product; windows, padded with the border; attention with a bias for each pair of positions; inverse window partition',
  conv2d:
    'kernel = stride: patches × weight; else the sum over kernel positions of shifted images × weight. Groups of channels; channels last',
  convTranspose2d: 'pixels × weight, then each tile is moved to its position (kernel = stride). Channels last',
  resizeBilinear: 'R · x · Cᵀ with constant matrices R for rows and C for columns; half-pixel centres',
  windowPartition: 'pad to a multiple of the window, reshape, transpose, reshape',
  windowUnpartition: 'reshape, transpose, reshape, slice'
}

/**
 * The page. Attributes, and the operations that a composite is built on, are read from the nodes of the conformance
 * tests.
 */
export function opsPage(): string {
  const nodes = new Map<string, Value[]>()
  for (const value of conformanceCases().flatMap(c => valuesOf(c.graph)))
    nodes.set(value.op, [...(nodes.get(value.op) ?? []), value])
  const attributes = (op: string): string =>
    [...new Set((nodes.get(op) ?? []).flatMap(v => Object.keys(v.attrs)))].map(a => `\`${a}\``).join(' ')

  const primitiveRows = (Object.keys(traits) as Primitive[]).map(op => [
    traits[op],
    `\`${op}\``,
    attributes(op),
    ...primitives[op]
  ])
  const kept = [...nodes].flatMap(([op, [first]]) => (first.composite ? [{ op, composite: first.composite }] : []))
  const order = Object.keys(composites)
  const compositeRows = kept
    .sort((a, b) => order.indexOf(a.op) - order.indexOf(b.op))
    .map(({ op, composite }) => {
      if (!composites[op])
        throw new Error(`tools/docs/ops.ts: ${op} must have a description, found none; add one to composites`)
      const parts = new Set(nodes.get(op)!.flatMap(v => bodyOf(v)))
      return [
        `\`${op}\``,
        attributes(op),
        composites[op],
        [...parts]
          .filter(part => order.includes(part))
          .map(part => `\`${part}\``)
          .join(' '),
        composite.vjp ? 'its own' : 'derived'
      ]
    })
  return `# Graph operation reference

For authors of backends and passes. To use the SDK, you do not need this page.

This page is generated from the tables in \`packages/core/src/ops\` by \`node tools/run.js tools/docs/ops.ts\`; a test
checks that it is up to date.

## Primitives

The graph language has three leaves (\`input\`, \`param\`, \`constant\`) and ${primitiveRows.length} operations. Each operation has one output
and static shapes; no operation works in place. Broadcasting is an operation of its own, so operands of elementwise
operations have equal shapes. \`add\`, \`sub\` and \`mul\` take floats and integers. \`div\` and functions such as \`exp\` take
floats only. In the column "gradient", *y* is the output and *g* its cotangent (the gradient of the loss with respect to
*y*). Where there are several inputs, there is one gradient for each.

${table(['kind', 'primitive', 'attributes', 'meaning', 'gradient'], primitiveRows)}

## Composites

A composite is an operation that is defined by its decomposition into simpler operations. A backend can run it as one
fused kernel; otherwise it is decomposed. Its gradient is derived from the decomposition, unless it has its own.

${table(['composite', 'attributes', 'decomposition', 'built on', 'gradient'], compositeRows)}
`
}

/** Operations one level down. */
const bodyOf = ({ composite, inputs, attrs }: Value): string[] =>
  toposort([composite!.decompose(inputs, attrs)], inputs).map(v => v.op)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pagePath, opsPage())
