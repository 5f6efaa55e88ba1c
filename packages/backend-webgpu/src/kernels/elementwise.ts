import { sizeOf } from '@sam/core/graph'
import { walk, type View } from '../view.js'
import { functionsFor } from './expression.js'
import { address, coordinates, operands, perElement, sizesOf, type Program } from './program.js'

/**
 * One expression over views, one thread per element: elementwise operations, chains of them, and copies (the expression
 * `x0`). Views are read through their strides, so a broadcast, transpose or slice of an operand needs no dispatch and
 * no memory.
 */
export function elementwise(
  name: string,
  {
    views,
    expression,
    shape
  }: { views: readonly View[]; expression: (operands: readonly string[]) => string; shape: readonly number[] }
): Program {
  const count = sizeOf(shape)
  const { sizes, strides } = walk([
    { shape, strides: rowStrides(shape), offset: 0, buffer: undefined as never },
    ...views
  ])
  const addresses = views.map((v, i) => address(`x${i}`, { strides: strides[i + 1], offset: v.offset }))
  const inOrder = (i: number): boolean => views[i].offset === 0 && sizes.length <= 1 && (strides[i + 1][0] ?? 1) === 1
  const reads = views.map((_, i) => (inOrder(i) ? `x${i}[i]` : `x${i}[${addresses[i].index}]`))
  const body = expression(reads)
  const direct = views.every((_, i) => inOrder(i))
  return perElement(name, {
    count,
    helpers: functionsFor(body),
    inputs: operands(views.length),
    uniforms: direct ? [] : [...sizesOf(sizes), ...addresses.flatMap(p => p.uniforms)],
    body: `${direct ? '' : coordinates(sizes.length)}\n  result[i] = ${body};`
  })
}

function rowStrides(shape: readonly number[]): number[] {
  const strides: number[] = []
  shape.reduceRight((stride, size, i) => {
    strides[i] = stride
    return stride * size
  }, 1)
  return strides
}
