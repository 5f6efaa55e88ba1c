import { describe, expect, it } from 'vitest'
import { GraphError } from '../errors.js'
import { input, param, type Value } from '../ir/value.js'
import type { DType } from '../tensor/dtype.js'
import type { Shape } from '../tensor/shape.js'
import { make } from './build.js'
import { infer } from './infer.js'
import { traits, type Primitive } from './primitives.js'

const of = (shape: Shape, dtype: DType = 'f32'): Value => input('x', shape, dtype)
const row = of([3], 'i32')

/** Violations of every rule. The snapshot lists the messages. */
const broken: Record<Primitive, (() => Value)[]> = {
  neg: [() => make('neg', [of([2], 'bool')], {})],
  exp: [() => make('exp', [of([2], 'i32')], {})],
  log: [() => make('log', [of([2], 'i32')], {})],
  sqrt: [() => make('sqrt', [of([2], 'bool')], {})],
  sin: [() => make('sin', [of([2], 'i32')], {})],
  cos: [() => make('cos', [of([2], 'i32')], {})],
  erf: [() => make('erf', [of([2], 'i32')], {})],
  cast: [],
  add: [
    () => make('add', [of([2]), param('a.bias', [3])], {}),
    () => make('add', [of([2]), of([2], 'i32')], {}),
    () => make('add', [of([2], 'bool'), of([2], 'bool')], {})
  ],
  sub: [() => make('sub', [of([]), of([1])], {})],
  mul: [() => make('mul', [of([2], 'bool'), of([2], 'bool')], {})],
  div: [() => make('div', [of([2], 'i32'), of([2], 'i32')], {})],
  max: [() => make('max', [of([2]), of([2], 'i32')], {})],
  less: [() => make('less', [of([2], 'bool'), of([2], 'bool')], {})],
  equal: [() => make('equal', [of([2]), of([2], 'i32')], {})],
  where: [
    () => make('where', [of([2]), of([2]), of([2])], {}),
    () => make('where', [of([1], 'bool'), of([2]), of([2])], {}),
    () => make('where', [of([2], 'bool'), of([2]), of([2], 'i32')], {}),
    () => make('where', [of([2], 'bool'), of([2]), of([3])], {})
  ],
  reduceSum: [
    () => make('reduceSum', [of([2, 3])], { axes: [2] }),
    () => make('reduceSum', [of([2, 3], 'bool')], { axes: [0] })
  ],
  reduceMax: [() => make('reduceMax', [of([2, 3])], { axes: [-1] })],
  matmul: [
    () => make('matmul', [of([3]), of([3])], {}),
    () => make('matmul', [of([2, 3]), of([1, 3, 4])], {}),
    () => make('matmul', [of([2, 3, 4]), of([3, 4, 5])], {}),
    () => make('matmul', [of([4096, 768]), param('image_encoder.blocks.3.mlp.lin2.weight', [3072, 768])], {}),
    () => make('matmul', [of([2, 2], 'i32'), of([2, 2], 'i32')], {})
  ],
  reshape: [
    () => make('reshape', [of([2, 3])], { shape: [7] }),
    () => make('reshape', [of([6])], { shape: [4, 1.5] }),
    () => make('reshape', [of([6])], { shape: [-2, -3] })
  ],
  transpose: [
    () => make('transpose', [of([2, 3])], { perm: [0, 0] }),
    () => make('transpose', [of([2, 3])], { perm: [0] }),
    () => make('transpose', [of([2, 3])], { perm: [1, 0, 2] })
  ],
  broadcast: [
    () => make('broadcast', [of([2, 3])], { shape: [4, 3] }),
    () => make('broadcast', [of([3])], { shape: [2, 3] }),
    () => make('broadcast', [of([1])], { shape: [2.5] })
  ],
  slice: [
    () => make('slice', [of([4])], { start: [2], shape: [3] }),
    () => make('slice', [of([4])], { start: [-1], shape: [1] }),
    () => make('slice', [of([4])], { start: [0.5], shape: [1] }),
    () => make('slice', [of([4, 4])], { start: [0], shape: [1] })
  ],
  pad: [
    () => make('pad', [of([4])], { before: [-1], after: [0], value: 0 }),
    () => make('pad', [of([4])], { before: [1], after: [0, 0], value: 0 })
  ],
  concat: [
    () => make('concat', [], { axis: 0 }),
    () => make('concat', [of([2, 3]), of([2, 4])], { axis: 0 }),
    () => make('concat', [of([2]), of([2], 'i32')], { axis: 0 }),
    () => make('concat', [of([2])], { axis: 1 })
  ],
  gather: [
    () => make('gather', [of([4]), of([3])], { axis: 0 }),
    () => make('gather', [of([4]), of([3, 1], 'i32')], { axis: 0 }),
    () => make('gather', [of([4]), row], { axis: 1 })
  ],
  scatterAdd: [
    () => make('scatterAdd', [of([4]), row], { axis: 0, size: 9 }),
    () => make('scatterAdd', [of([3], 'bool'), row], { axis: 0, size: 9 }),
    () => make('scatterAdd', [of([3]), row], { axis: 0, size: -1 }),
    () => make('scatterAdd', [of([3]), row], { axis: 2, size: 9 })
  ],
  stopGradient: []
}

describe('infer', () => {
  it('has a rule and a trait for each primitive', () => {
    expect(Object.keys(infer)).toEqual(Object.keys(traits))
  })

  it('reports what must hold and what was found', () => {
    const messages = Object.values(broken)
      .flat()
      .map(build => {
        try {
          build()
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError)
          return (error as Error).message
        }
        return 'accepted'
      })
    expect(messages).toMatchInlineSnapshot(`
      [
        "neg: the operand must be a number, found bool[2] (x)",
        "exp: the operand must be a float, found i32[2] (x)",
        "log: the operand must be a float, found i32[2] (x)",
        "sqrt: the operand must be a float, found bool[2] (x)",
        "sin: the operand must be a float, found i32[2] (x)",
        "cos: the operand must be a float, found i32[2] (x)",
        "erf: the operand must be a float, found i32[2] (x)",
        "add: operands must have one shape, found f32[2] (x) and f32[3] (a.bias)",
        "add: operands must have one type, found f32[2] (x) and i32[2] (x)",
        "add: operands must be numbers, found bool[2] (x) and bool[2] (x)",
        "sub: operands must have one shape, found f32[] (x) and f32[1] (x)",
        "mul: operands must be numbers, found bool[2] (x) and bool[2] (x)",
        "div: operands must be floats, found i32[2] (x) and i32[2] (x)",
        "max: operands must have one type, found f32[2] (x) and i32[2] (x)",
        "less: operands must be numbers, found bool[2] (x) and bool[2] (x)",
        "equal: operands must have one type, found f32[2] (x) and i32[2] (x)",
        "where: the condition must be bool, found f32[2] (x)",
        "where: condition and operands must have one shape, found bool[1] (x) and f32[2] (x)",
        "where: operands must have one type, found f32[2] (x) and i32[2] (x)",
        "where: operands must have one shape, found f32[2] (x) and f32[3] (x)",
        "reduceSum: [2] must be axes, found f32[2,3] (x)",
        "reduceSum: the operand must be a number, found bool[2,3] (x)",
        "reduceMax: [-1] must be axes, found f32[2,3] (x)",
        "matmul: operands must have one rank of at least 2, found f32[3] (x) and f32[3] (x)",
        "matmul: operands must have one rank of at least 2, found f32[2,3] (x) and f32[1,3,4] (x)",
        "matmul: batch axes must be equal, found f32[2,3,4] (x) and f32[3,4,5] (x)",
        "matmul: inner sizes must be equal, found f32[4096,768] (x) and f32[3072,768] (image_encoder.blocks.3.mlp.lin2.weight); transpose one?",
        "matmul: operands must be floats of one type, found i32[2,2] (x) and i32[2,2] (x)",
        "reshape: [7] must be whole sizes that hold as many elements, found f32[2,3] (x)",
        "reshape: [4,1.5] must be whole sizes that hold as many elements, found f32[6] (x)",
        "reshape: [-2,-3] must be whole sizes that hold as many elements, found f32[6] (x)",
        "transpose: [0,0] must be a permutation of the axes, found f32[2,3] (x)",
        "transpose: [0] must be a permutation of the axes, found f32[2,3] (x)",
        "transpose: [1,0,2] must be a permutation of the axes, found f32[2,3] (x)",
        "broadcast: only axes of size 1 can grow to [4,3], found f32[2,3] (x)",
        "broadcast: only axes of size 1 can grow to [2,3], found f32[3] (x)",
        "broadcast: only axes of size 1 can grow to [2.5], found f32[1] (x)",
        "slice: start [2] and size [3] must lie inside, found f32[4] (x)",
        "slice: start [-1] and size [1] must lie inside, found f32[4] (x)",
        "slice: start [0.5] and size [1] must lie inside, found f32[4] (x)",
        "slice: start [0] and size [1] must lie inside, found f32[4,4] (x)",
        "pad: [-1] and [0] must be one whole number per axis, found f32[4] (x)",
        "pad: [1] and [0,0] must be one whole number per axis, found f32[4] (x)",
        "concat: at least one operand must be given",
        "concat: operands must agree except on axis 0, found f32[2,3] (x) and f32[2,4] (x)",
        "concat: operands must agree except on axis 0, found f32[2] (x) and i32[2] (x)",
        "concat: axis 1 must be an axis, found f32[2] (x)",
        "gather: the index must be one row of i32, found f32[3] (x)",
        "gather: the index must be one row of i32, found i32[3,1] (x)",
        "gather: axis 1 must be an axis, found f32[4] (x)",
        "scatterAdd: the index must be one row of i32, one for each row of axis 0, found i32[3] (x) and f32[4] (x)",
        "scatterAdd: the updates must be numbers, found bool[3] (x)",
        "scatterAdd: size -1 must be a whole number, found f32[3] (x)",
        "scatterAdd: the index must be one row of i32, one for each row of axis 2, found i32[3] (x) and f32[3] (x)",
      ]
    `)
  })

  it('infers shapes and types', () => {
    const type = ({ shape, dtype }: Value): string => `${dtype}[${shape.join()}]`
    const c = of([2, 3], 'bool')
    expect(
      [
        make('less', [of([2, 3]), of([2, 3])], {}),
        make('where', [c, of([2, 3]), of([2, 3])], {}),
        make('reduceMax', [of([2, 3, 4])], { axes: [0, 2] }),
        make('matmul', [of([7, 2, 3]), of([7, 3, 5])], {}),
        make('pad', [of([2, 3])], { before: [1, 0], after: [0, 4], value: 0 }),
        make('concat', [of([2, 3]), of([2, 1])], { axis: 1 }),
        make('gather', [of([5, 2]), row], { axis: 0 }),
        make('scatterAdd', [of([5, 3]), row], { axis: 1, size: 9 }),
        make('cast', [c], { dtype: 'i32' }),
        make('transpose', [of([2, 3, 4])], { perm: [2, 0, 1] })
      ].map(type)
    ).toEqual([
      'bool[2,3]',
      'f32[2,3]',
      'f32[1,3,1]',
      'f32[7,2,5]',
      'f32[3,7]',
      'f32[2,4]',
      'f32[3,2]',
      'f32[5,9]',
      'i32[2,3]',
      'f32[4,2,3]'
    ])
  })
})
