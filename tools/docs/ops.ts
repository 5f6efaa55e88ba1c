/**
 * Writes docs/ops.md from the tables of the code: `node tools/run.js tools/docs/ops.ts`. What the code cannot say, the
 * words below do; a new operation without words does not compile.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toposort, traits, valuesOf, type Primitive, type Value } from '@sam/core/graph'
import { conformanceCases } from '@sam/core/testing'

export const pagePath = fileURLToPath(new URL('../../docs/ops.md', import.meta.url))

/** [what it is, its gradient]: g is the cotangent of the output y. */
const primitives: Record<Primitive, readonly [meaning: string, gradient: string]> = {
  neg: ['−x', '−g'],
  exp: ['eˣ', 'g·y'],
  log: ['ln x', 'g / x'],
  sqrt: ['√x', 'g / 2y'],
  sin: ['sin x', 'g·cos x'],
  cos: ['cos x', '−g·sin x'],
  erf: ['the Gauss error function', 'g·(2/√π)·exp(−x²)'],
  cast: ['to another type: integers cut towards zero, bool is "not zero"', 'cast back; none for integers and bool'],
  add: ['a + b', 'g, g'],
  sub: ['a − b', 'g, −g'],
  mul: ['a·b', 'g·b, g·a'],
  div: ['a / b, floats only', 'g / b, −g·y / b'],
  max: ['the larger', "to the larger; a tie is the first operand's, so relu = max(0, x) has slope 0 at 0"],
  less: ['a < b, as bool', 'none'],
  equal: ['a = b, as bool', 'none'],
  where: ['condition ? a : b', 'none, where(condition, g, 0), where(condition, 0, g)'],
  reduceSum: ['sum over axes, which stay as size 1', 'broadcast'],
  reduceMax: ['maximum over axes, which stay as size 1', 'g shared over the places equal to y'],
  matmul: ['[…, m, k] × [… , k, n], equal batch axes', 'g·bᵀ, aᵀ·g'],
  reshape: ['the same elements in another shape', 'reshape'],
  transpose: ['output axis i is input axis perm[i]', 'transpose back'],
  broadcast: ['axes of size 1 repeated', 'reduceSum'],
  slice: ['elements start … start + shape − 1 of each axis', 'pad'],
  pad: ['a constant border', 'slice'],
  concat: ['side by side along an axis', 'slices'],
  gather: ['rows along an axis, by a 1-D i32 index', 'scatterAdd'],
  scatterAdd: ['zeros, to which rows are added at a 1-D i32 index', 'gather'],
  stopGradient: ['x', 'none']
}

/** What a composite decomposes into, in words. */
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
    'q, k, v projected, heads attended side by side, projected back; self-attention where all three are one sequence',
  residual: 'x + branch; the mark where dropout and drop path apply in training',
  gridAttention:
    'q, k, v from one product; windows padded with the border; relative positions from the unscaled q; attention; windows back to the grid',
  windowAttention:
    'q, k, v head by head from one product; windows padded with the border; a bias for each pair of positions; attention; windows back to the grid',
  conv2d:
    "kernel = stride: patches × weight; else the sum over the kernel's places of shifted images × weight, by groups of channels. Channels last",
  convTranspose2d: 'pixels × weight, then each tile to its place (kernel = stride). Channels last',
  resizeBilinear: 'rows matrix · x · columns matrixᵀ, both constant; half-pixel centres',
  windowPartition: 'pad to whole windows, reshape, transpose, reshape',
  windowUnpartition: 'reshape, transpose, reshape, slice'
}

/** The whole page. Attributes and what a composite opens to are read off the nodes of the conformance list. */
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
      if (!composites[op]) throw new Error(`tools/docs/ops.ts: say in words what ${op} decomposes into`)
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
  return `# Operations

Written by \`node tools/run.js tools/docs/ops.ts\` from the tables in \`packages/core/src/ops\`; a test compares.

## Primitives

The whole language: three leaves (\`input\`, \`param\`, \`constant\`) and ${primitiveRows.length} operations. One output each, static shapes, nothing in place. Broadcasting is an operation of
its own, so elementwise primitives see equal shapes. Arithmetic is of numbers, functions and quotients of floats. *g* is the cotangent of the output *y*.

${table(['kind', 'primitive', 'attributes', 'meaning', 'gradient'], primitiveRows)}

## Composites

A composite *is* its decomposition. A backend may keep one and run a fused kernel of its own; the rest is decomposed for it.

${table(['composite', 'attributes', 'decomposition', 'built on', 'gradient'], compositeRows)}
`
}

/** Operations one level down. */
const bodyOf = ({ composite, inputs, attrs }: Value): string[] =>
  toposort([composite!.decompose(inputs, attrs)], inputs).map(v => v.op)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pagePath, opsPage())
