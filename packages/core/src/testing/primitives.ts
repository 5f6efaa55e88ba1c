import { constant, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import type { Shape } from '../tensor/shape.js'
import { full, tensor } from '../tensor/tensor.js'
import { conformanceCase, type ConformanceCase, type Fill } from './case.js'

/** Scalars, single elements, odd sizes, sizes around a workgroup, all the ranks. */
const shapes: readonly Shape[] = [
  [],
  [1],
  [7],
  [1, 1],
  [3, 1],
  [257],
  [5, 31],
  [2, 3, 5],
  [1, 7, 1, 3],
  [2, 1, 3, 2, 3],
  [2, 3, 1, 2, 2, 3]
]

/**
 * Every primitive on legal shapes and on values on which implementations differ. Results are finite: backends need not
 * agree on others.
 */
export const primitiveCases = (): ConformanceCase[] => [
  ...unary(),
  ...casts(),
  ...binary(),
  ...select(),
  ...reduce(),
  ...contract(),
  ...move(),
  ...constants()
]

function unary(): ConformanceCase[] {
  const table: [string, (x: Value) => Value, Fill, readonly number[]][] = [
    ['neg', ops.neg, {}, [0, -0, 1e30, -1e30, 1e-30]],
    ['exp', ops.exp, { range: [-5, 5] }, [0, -0, -100, -80, -1, 1e-7, 1]],
    ['log', ops.log, { range: [0.01, 50] }, [1, 1e-30, 1e-7, 0.99999, 1.00001, 1e30]],
    ['sqrt', ops.sqrt, { range: [0, 100] }, [0, 1, 1e-30, 1e-12, 4, 1e30]],
    ['sin', ops.sin, { range: [-10, 10] }, [0, -0, Math.PI, -Math.PI / 2, 1e-7, 100, -100]],
    ['cos', ops.cos, { range: [-10, 10] }, [0, -0, Math.PI, -Math.PI / 2, 1e-7, 100, -100]],
    ['erf', ops.erf, { range: [-6, 6] }, [0, -0, 1e-7, 0.5, -0.5, 0.84375, 1, 1.25, 2.857, 3.5, 6, -6, 30, -30]],
    ['stopGradient', ops.stopGradient, {}, [0, -0, 1e30]]
  ]
  return [
    ...table.flatMap(([name, op, fill, edges]) => [
      ...shapes.map(shape => conformanceCase(`${name} [${shape}]`, t => op(t.input(shape, fill)))),
      conformanceCase(`${name} at the edges`, t => op(t.input([edges.length], { values: edges })))
    ]),
    conformanceCase('exp, large', t => ops.exp(t.input([3], { values: [80, 88, 87.5] }))),
    conformanceCase('erf over [-6, 6]', t =>
      ops.erf(t.input([1201], { values: Array.from({ length: 1201 }, (_, i) => i / 100 - 6) }))
    ),
    conformanceCase('neg of i32', t =>
      ops.neg(t.input([5], { dtype: 'i32', values: [0, 1, -1, 16777217, -2147483647] }))
    )
  ]
}

function casts(): ConformanceCase[] {
  const floats = [0, -0, 0.5, -0.5, 0.999, -0.999, 1.5, -1.5, 2, 1e9, -1e9, 1e-30]
  const integers = [0, 1, -1, 7, 16777216, -16777216, 2147483000]
  return [
    conformanceCase('cast f32 to i32 cuts towards zero', t => ops.cast(t.input([12], { values: floats }), 'i32')),
    conformanceCase('cast f32 to bool is "not zero"', t => ops.cast(t.input([12], { values: floats }), 'bool')),
    conformanceCase('cast i32 to f32', t => ops.cast(t.input([7], { dtype: 'i32', values: integers }), 'f32')),
    conformanceCase('cast i32 to bool', t => ops.cast(t.input([7], { dtype: 'i32', values: integers }), 'bool')),
    conformanceCase('cast bool to f32', t => ops.cast(t.input([2, 3], { dtype: 'bool' }), 'f32')),
    conformanceCase('cast bool to i32', t => ops.cast(t.input([2, 3], { dtype: 'bool' }), 'i32')),
    conformanceCase('cast a scalar', t => ops.cast(t.input([], { values: [-3.7] }), 'i32')),
    conformanceCase('cast there and back', t => ops.cast(ops.cast(t.input([5, 31], { range: [-9, 9] }), 'i32'), 'f32'))
  ]
}

function binary(): ConformanceCase[] {
  const operations = { add: ops.add, sub: ops.sub, mul: ops.mul, div: ops.div, max: ops.max }
  const away: Fill = { range: [0.5, 3] } // a divisor's
  const integers = [0, 1, -1, 7, -8, 16777217, 2147483647, -2147483648]
  return [
    ...Object.entries(operations).flatMap(([name, op]) => [
      ...shapes.map(shape =>
        conformanceCase(`${name} [${shape}]`, t => op(t.input(shape, { range: [-3, 3] }), t.input(shape, away)))
      ),
      ...broadcasts.map(([a, b]) =>
        conformanceCase(`${name} [${a}] with [${b}]`, t => op(t.input(a, { range: [-3, 3] }), t.input(b, away)))
      ),
      conformanceCase(`${name} with a number on either side`, t => ({
        right: op(t.input([5, 7], away), 1.5),
        left: op(1.5, t.input([5, 7], away))
      })),
      conformanceCase(`${name} of a value with itself`, t => {
        const x = t.input([33], away)
        return op(x, x)
      })
    ]),
    conformanceCase('max of ties and signs', t =>
      ops.max(t.input([6], { values: [0, -0, 1, -1, 2, -1e30] }), t.input([6], { values: [-0, 0, 1, -1, -2, 1e30] }))
    ),
    conformanceCase('div of large and small', t =>
      ops.div(t.input([4], { values: [1e30, 1, -1, 0] }), t.input([4], { values: [1e10, 3, 7, -5] }))
    ),
    conformanceCase('add, sub, max of i32 past what f32 can hold', t => {
      const [a, b] = [
        t.input([4], { dtype: 'i32', values: [16777217, -16777217, 1073741823, -5] }),
        t.input([4], { dtype: 'i32', values: [2, -2, 1073741823, 3] })
      ]
      return { add: ops.add(a, b), sub: ops.sub(a, b), max: ops.max(a, b) }
    }),
    conformanceCase('mul of i32', t =>
      ops.mul(
        t.input([3], { dtype: 'i32', values: [4099, -7, 0] }),
        t.input([3], { dtype: 'i32', values: [4097, 9, -3] })
      )
    ),
    conformanceCase('max of i32 at its ends', t => ops.max(t.input([8], { dtype: 'i32', values: integers }), 0))
  ]
}

/** Shapes that broadcast: a number, a row, a column, both sides at once, a missing axis, a middle axis. */
const broadcasts: readonly (readonly [Shape, Shape])[] = [
  [[], [3, 4]],
  [[5, 7], [7]],
  [
    [5, 7],
    [5, 1]
  ],
  [
    [5, 1],
    [1, 7]
  ],
  [
    [2, 3, 5, 7],
    [3, 1, 7]
  ],
  [
    [2, 1, 5, 1],
    [1, 3, 1, 7]
  ],
  [
    [2, 3, 4, 1, 2],
    [3, 1, 5, 1]
  ],
  [[1, 1], [1]]
]

function select(): ConformanceCase[] {
  const [a, b] = [
    [-1, 0, -0, 2, 3.5, 1e30, -1e30],
    [-1, -0, 0, 3, 2.5, 1e30, 1e30]
  ]
  const [m, n] = [
    [0, 1, -1, 16777217, 2147483647, -2147483648],
    [0, 2, -2, 16777216, -2147483648, -2147483648]
  ]
  const operations = { less: ops.less, equal: ops.equal }
  return [
    ...Object.entries(operations).flatMap(([name, op]) => [
      conformanceCase(`${name} of f32`, t => op(t.input([7], { values: a }), t.input([7], { values: b }))),
      conformanceCase(`${name} of i32`, t =>
        op(t.input([6], { dtype: 'i32', values: m }), t.input([6], { dtype: 'i32', values: n }))
      ),
      conformanceCase(`${name} with broadcast`, t =>
        op(t.input([4, 1, 3], { dtype: 'i32', range: [0, 3] }), t.input([5, 1], { dtype: 'i32', range: [0, 3] }))
      ),
      conformanceCase(`${name} with a number`, t => ({
        f32: op(t.input([9], { range: [-1, 1] }), 0),
        i32: op(t.input([9], { dtype: 'i32', range: [0, 3] }), 1)
      })),
      conformanceCase(`${name} of scalars`, t => op(t.input([]), t.input([])))
    ]),
    ...shapes.map(shape =>
      conformanceCase(`where [${shape}]`, t =>
        ops.where(t.input(shape, { dtype: 'bool' }), t.input(shape), t.input(shape))
      )
    ),
    conformanceCase('where with a broadcast condition', t =>
      ops.where(
        ops.less(0.5, t.input([3, 1, 1, 1], { values: [0, 1, 1] })),
        t.input([3, 4, 4, 5]),
        t.input([1, 1, 1, 5])
      )
    ),
    conformanceCase('where of i32', t =>
      ops.where(t.input([5], { dtype: 'bool' }), t.input([5], { dtype: 'i32', range: [-9, 9] }), -1)
    ),
    conformanceCase('where does not mix: what is not chosen may be huge', t =>
      ops.where(t.input([4], { dtype: 'bool', values: [1, 0] }), t.input([4]), 3e38)
    )
  ]
}

function reduce(): ConformanceCase[] {
  const axes: readonly (readonly [Shape, readonly number[]])[] = [
    [[7], [0]],
    [[257], [0]],
    [[5, 31], [0]],
    [[5, 31], [1]],
    [
      [5, 31],
      [0, 1]
    ],
    [[2, 3, 5], [0]],
    [[2, 3, 5], [1]],
    [[2, 3, 5], [2]],
    [
      [2, 3, 5],
      [0, 2]
    ],
    [[2, 3, 5], [-1]],
    [
      [1, 7, 1, 3],
      [0, 2]
    ],
    [
      [2, 3, 4, 5],
      [1, 3]
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2, 3]
    ],
    [
      [2, 1, 3, 2, 3],
      [2, 4]
    ],
    [
      [2, 3, 1, 2, 2, 3],
      [0, 3, 5]
    ],
    [[3, 1], [1]],
    [[3, 1000], [1]],
    [[1000, 3], [0]],
    [[], []]
  ]
  const operations = { reduceSum: ops.reduceSum, reduceMax: ops.reduceMax }
  return [
    ...Object.entries(operations).flatMap(([name, op]) => [
      ...axes.map(([shape, over]) =>
        conformanceCase(`${name} [${shape}] over [${over}]`, t => op(t.input(shape), over))
      ),
      conformanceCase(`${name} over no axes is the value`, t => op(t.input([3, 4]), [])),
      conformanceCase(`${name} of i32`, t => op(t.input([4, 9], { dtype: 'i32', range: [-99, 99] }), [1]))
    ]),
    conformanceCase('reduceMax of negatives', t => ops.reduceMax(t.input([3, 37], { range: [-1e30, -1e29] }), [1])),
    conformanceCase('reduceMax of ties', t => ops.reduceMax(t.input([2, 6], { values: [1, 3, 3, 3, 2, 3] }), [1])),
    conformanceCase('reduceSum of ones counts', t => ops.reduceSum(t.input([3, 4099], { values: [1] }), [1]))
  ]
}

function contract(): ConformanceCase[] {
  const sizes: readonly (readonly [Shape, Shape])[] = [
    [
      [1, 1],
      [1, 1]
    ],
    [
      [3, 5],
      [5, 7]
    ],
    [
      [1, 64],
      [64, 1]
    ],
    [
      [5, 1],
      [1, 7]
    ],
    [
      [17, 33],
      [33, 9]
    ],
    [
      [65, 67],
      [67, 70]
    ],
    [
      [1, 300],
      [300, 33]
    ],
    [
      [128, 16],
      [16, 32]
    ],
    [
      [3, 5, 7],
      [3, 7, 2]
    ],
    [
      [1, 4, 8],
      [1, 8, 4]
    ],
    [
      [2, 3, 17, 8],
      [2, 3, 8, 33]
    ],
    [
      [2, 1, 4, 5],
      [3, 5, 6]
    ],
    [
      [4, 5],
      [3, 5, 6]
    ],
    [
      [2, 2, 2, 3, 5],
      [2, 2, 2, 5, 3]
    ]
  ]
  return [
    ...sizes.map(([a, b]) => conformanceCase(`matmul [${a}] × [${b}]`, t => ops.matmul(t.input(a), t.input(b)))),
    conformanceCase('matmul with transposed operands', t => {
      const [a, b, c] = [t.input([2, 9, 5]), t.input([2, 7, 5]), t.input([2, 3, 9])]
      return {
        right: ops.matmul(a, ops.swap(b)),
        left: ops.matmul(ops.swap(a), a),
        both: ops.matmul(ops.swap(a), ops.swap(c))
      }
    }),
    conformanceCase('matmul with a weight on either side', t => ({
      right: ops.matmul(t.input([6, 5]), t.param([5, 4])),
      left: ops.matmul(t.param([4, 6]), t.input([6, 3]))
    })),
    conformanceCase('matmul of a batch by one weight', t => ops.matmul(t.input([3, 4, 5]), t.param([5, 6])))
  ]
}

function move(): ConformanceCase[] {
  const reshapes: readonly (readonly [Shape, Shape])[] = [
    [[], [1]],
    [[1, 1], []],
    [[6], [2, 3]],
    [
      [2, 3, 4],
      [4, 6]
    ],
    [[2, 3, 4], [24]],
    [[24], [1, 2, 3, 1, 4, 1]],
    [
      [2, 3, 1, 2, 2, 3],
      [6, 12]
    ]
  ]
  const transposes: readonly (readonly [Shape, readonly number[]])[] = [
    [
      [3, 5],
      [1, 0]
    ],
    [
      [1, 5],
      [1, 0]
    ],
    [
      [33, 65],
      [1, 0]
    ],
    [
      [2, 3, 5],
      [2, 0, 1]
    ],
    [
      [2, 3, 5],
      [0, 2, 1]
    ],
    [
      [2, 3, 4, 5],
      [0, 2, 1, 3]
    ],
    [
      [2, 3, 4, 5],
      [0, 3, 1, 2]
    ],
    [
      [2, 3, 4, 5],
      [3, 2, 1, 0]
    ],
    [
      [2, 3, 2, 2, 3],
      [2, 0, 3, 1, 4]
    ],
    [
      [2, 2, 3, 2, 3, 2],
      [0, 1, 3, 2, 4, 5]
    ],
    [
      [2, 1, 3, 2, 3, 2],
      [5, 3, 1, 0, 2, 4]
    ]
  ]
  const grown: readonly (readonly [Shape, Shape])[] = [
    [[], [3]],
    [[1], [7]],
    [[3], [2, 3]],
    [
      [3, 1],
      [3, 5]
    ],
    [
      [1, 3, 1],
      [2, 3, 4]
    ],
    [
      [2, 1, 3, 1],
      [2, 4, 3, 5]
    ],
    [
      [1, 1, 2, 1, 1, 3],
      [2, 2, 2, 3, 2, 3]
    ],
    [[], [2, 1, 3]]
  ]
  return [
    ...reshapes.map(([from, to]) =>
      conformanceCase(`reshape [${from}] to [${to}]`, t => ops.reshape(t.input(from), to))
    ),
    ...transposes.map(([shape, perm]) =>
      conformanceCase(`transpose [${shape}] by [${perm}]`, t => ops.transpose(t.input(shape), perm))
    ),
    ...grown.map(([from, to]) =>
      conformanceCase(`broadcast [${from}] to [${to}]`, t => ops.broadcastTo(t.input(from), to))
    ),
    conformanceCase('slice along each axis', t => {
      const x = t.input([4, 5, 6])
      return {
        first: ops.slice(x, 0, { start: 1, size: 2 }),
        middle: ops.slice(x, 1, { start: 0, size: 1 }),
        last: ops.slice(x, -1, { start: 5, size: 1 })
      }
    }),
    conformanceCase('slice of slices', t =>
      ops.slice(ops.slice(ops.slice(t.input([3, 4, 5, 6, 2]), 1, { start: 1, size: 3 }), 2, { start: 2, size: 2 }), 4, {
        start: 1,
        size: 1
      })
    ),
    conformanceCase('pad one side', t => ops.pad(t.input([2, 3]), { before: [0, 0], after: [1, 2] })),
    conformanceCase('pad with a value', t => ops.pad(t.input([2, 3]), { before: [1, 0], after: [0, 2], value: -7.5 })),
    conformanceCase('pad rank 5', t =>
      ops.pad(t.input([2, 1, 3, 2, 2]), { before: [0, 1, 0, 2, 0], after: [1, 0, 1, 0, 3], value: 0.25 })
    ),
    conformanceCase('pad i32', t =>
      ops.pad(t.input([4], { dtype: 'i32', range: [-9, 9] }), { before: [2], after: [1], value: 3 })
    ),
    conformanceCase('concat three along each axis', t => ({
      first: ops.concat([t.input([1, 3]), t.input([2, 3]), t.input([4, 3])], 0),
      last: ops.concat([t.input([2, 1]), t.input([2, 5]), t.input([2, 2])], -1)
    })),
    conformanceCase('concat five of rank 4, one twice', t => {
      const x = t.input([2, 1, 3, 2])
      return ops.concat([x, t.input([2, 2, 3, 2]), x, t.input([2, 3, 3, 2]), t.param([2, 1, 3, 2])], 1)
    }),
    conformanceCase('concat i32', t =>
      ops.concat([t.input([3], { dtype: 'i32', range: [0, 9] }), ops.indices([5, 6])], 0)
    ),
    conformanceCase('gather with repeats along each axis', t => {
      const x = t.input([4, 5, 3])
      const index = t.input([6], { dtype: 'i32', values: [2, 0, 2, 1, 0, 2] })
      return { first: ops.gather(x, index, 0), middle: ops.gather(x, index, 1), last: ops.gather(x, index, 2) }
    }),
    conformanceCase('gather by constant indices from a weight', t =>
      ops.gather(t.param([7, 3]), ops.indices([6, 0, 3, 3]), 0)
    ),
    conformanceCase('gather one row, and i32 rows', t => ({
      one: ops.gather(t.input([5, 2]), ops.indices([4]), 0),
      i32: ops.gather(t.input([5], { dtype: 'i32', range: [-9, 9] }), ops.indices([1, 1, 0]), 0)
    })),
    conformanceCase('scatterAdd with repeats along each axis', t => {
      const index = t.input([6], { dtype: 'i32', values: [2, 0, 2, 1, 0, 2] })
      return {
        first: ops.scatterAdd(t.input([6, 3]), index, { axis: 0, size: 4 }),
        middle: ops.scatterAdd(t.input([2, 6, 3]), index, { axis: 1, size: 3 }),
        last: ops.scatterAdd(t.input([2, 2, 6]), index, { axis: -1, size: 5 })
      }
    }),
    conformanceCase('scatterAdd by constant indices, one row', t =>
      ops.scatterAdd(t.input([1, 4]), ops.indices([2]), { axis: 0, size: 3 })
    ),
    conformanceCase('movement of bool', t => {
      const x = t.input([2, 3], { dtype: 'bool' })
      return {
        transpose: ops.transpose(x, [1, 0]),
        broadcast: ops.broadcastTo(ops.reshape(x, [2, 3, 1]), [2, 3, 2]),
        slice: ops.slice(x, 1, { start: 1, size: 2 })
      }
    }),
    conformanceCase('movement of i32', t => {
      const x = t.input([2, 3], { dtype: 'i32', range: [-99, 99] })
      return {
        transpose: ops.transpose(x, [1, 0]),
        broadcast: ops.broadcastTo(ops.reshape(x, [2, 3, 1]), [2, 3, 2]),
        slice: ops.slice(x, 1, { start: 1, size: 2 })
      }
    })
  ]
}

function constants(): ConformanceCase[] {
  const f16 = tensor('f16', [4], [0x3c00, 0xc000, 0x3555, 0x7bff]) // 1, −2, about ⅓, 65504
  return [
    conformanceCase('constants of each type', t => ({
      f32: ops.add(t.input([3]), constant(tensor('f32', [3], [1e30, -0, 1e-30]))),
      i32: ops.add(
        t.input([2], { dtype: 'i32', range: [0, 9] }),
        constant(tensor('i32', [2], [16777217, -2147483648]))
      ),
      bool: ops.where(constant(tensor('bool', [4], [1, 0, 0, 1])), t.input([4]), 0),
      f16: ops.mul(t.input([4]), ops.cast(constant(f16), 'f32'))
    })),
    conformanceCase('large constant', t =>
      ops.matmul(
        t.input([2, 80]),
        constant(
          tensor(
            'f32',
            [80, 64],
            Array.from({ length: 5120 }, (_, i) => Math.sin(i))
          )
        )
      )
    ),
    conformanceCase('repeated constant', t => ops.add(t.input([5, 7]), constant(full('f32', [5, 7], 0.1))))
  ]
}
