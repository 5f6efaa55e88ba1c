import type { Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import type { Shape } from '../tensor/shape.js'
import { conformanceCase, type ConformanceCase, type Leaves } from './case.js'

/** Every composite, in forms in which fused kernel and decomposition could differ. */
export const compositeCases = (): ConformanceCase[] => [
  ...activations(),
  ...linear(),
  ...norms(),
  ...attention(),
  ...crossAttention(),
  ...gridAttention(),
  ...windowAttention(),
  ...convolutions(),
  ...grids(),
  ...residuals()
]

function activations(): ConformanceCase[] {
  const edges = [0, -0, 1e-7, -1e-7, 0.5, -0.5, 5, -5, 20, -20, 80, -80]
  return Object.entries({ relu: ops.relu, sigmoid: ops.sigmoid, gelu: ops.gelu, softplus: ops.softplus }).flatMap(
    ([name, op]) => [
      ...([[], [257], [5, 31], [2, 3, 4, 5], [2, 1, 3, 2, 3]] as Shape[]).map(shape =>
        conformanceCase(`${name} [${shape}]`, t => op(t.input(shape, { range: [-4, 4] })))
      ),
      conformanceCase(`${name} at the edges`, t => op(t.input([edges.length], { values: edges })))
    ]
  )
}

function linear(): ConformanceCase[] {
  const sizes: readonly (readonly [Shape, number])[] = [
    [[1, 5], 3],
    [[7, 33], 65],
    [[130, 64], 128],
    [[2, 9, 16], 48],
    [[2, 3, 5, 24], 7],
    [[8], 4]
  ]
  return [
    ...sizes.flatMap(([x, out]) => [
      conformanceCase(`linear [${x}] to ${out}`, t =>
        ops.linear(t.input(x), t.param([out, x.at(-1)!]), t.param([out]))
      ),
      conformanceCase(`linear [${x}] to ${out} without bias`, t => ops.linear(t.input(x), t.param([out, x.at(-1)!])))
    ]),
    conformanceCase('linear, then each activation', t => {
      const [x, w, b] = [t.input([9, 16]), t.param([24, 16]), t.param([24])]
      const y = ops.linear(x, w, b)
      return { relu: ops.relu(y), gelu: ops.gelu(y), sigmoid: ops.sigmoid(y), plain: y }
    }),
    conformanceCase('linear whose weight is an input', t => ops.linear(t.input([4, 6]), t.input([3, 6]), t.input([3])))
  ]
}

function norms(): ConformanceCase[] {
  const norm = (t: Leaves, shape: Shape, { axis = -1, eps = 1e-6 } = {}) =>
    ops.layerNorm(
      t.input(shape, { range: [-3, 3] }),
      [t.param([shape.at(axis)!], { range: [0.5, 1.5] }), t.param([shape.at(axis)!])],
      { axis, eps }
    )
  return [
    ...(
      [
        [1, 8],
        [7, 33],
        [2, 5, 256],
        [2, 3, 4, 30]
      ] as Shape[]
    ).map(shape => conformanceCase(`layerNorm [${shape}]`, t => norm(t, shape))),
    conformanceCase('layerNorm over channels first', t => norm(t, [2, 8, 3, 5], { axis: 1 })),
    conformanceCase('layerNorm over the first axis', t => norm(t, [9, 4], { axis: 0 })),
    conformanceCase('layerNorm, the eps of the two-way transformer', t => norm(t, [2, 5, 32], { eps: 1e-5 })),
    conformanceCase('layerNorm of nearly equal numbers: eps inside the root', t =>
      ops.layerNorm(t.input([3, 16], { range: [-1e-3, 1e-3] }), [t.param([16]), t.param([16])], { eps: 1e-6 })
    ),
    conformanceCase(
      'layerNorm far from zero',
      t => ops.layerNorm(t.input([2, 64], { range: [99, 101] }), [t.param([64]), t.param([64])], { eps: 1e-6 }),
      1e-4
    ),
    ...[0, 1, 2, 3, -1].map(axis =>
      conformanceCase(`softmax over axis ${axis}`, t => ops.softmax(t.input([2, 3, 4, 5], { range: [-4, 4] }), axis))
    ),
    conformanceCase('softmax of one', t => ops.softmax(t.input([3, 1]))),
    conformanceCase('softmax of a long row', t => ops.softmax(t.input([3, 1025], { range: [-9, 9] }))),
    conformanceCase('softmax of huge values does not overflow', t =>
      ops.softmax(t.input([2, 6], { values: [1e9, 1e9, -1e9, 0, 12, 1e8] }))
    ),
    conformanceCase('softmax of a masked row', t => ops.softmax(t.input([1, 5], { values: [3, -1e9, 1, -1e9, -1e9] })))
  ]
}

function attention(): ConformanceCase[] {
  const qkv = (t: Leaves, [b, heads, nq, nk, d]: readonly [number, number, number, number, number]) =>
    [t.input([b, heads, nq, d]), t.input([b, heads, nk, d]), t.input([b, heads, nk, d])] as const
  return [
    ...(
      [
        [1, 1, 1, 1, 8],
        [1, 2, 7, 7, 16],
        [2, 3, 5, 9, 8],
        [1, 2, 65, 67, 32],
        [1, 1, 3, 130, 64],
        [2, 1, 4, 6, 80]
      ] as const
    ).map(sizes =>
      conformanceCase(`attention B${sizes[0]} heads${sizes[1]} ${sizes[2]}×${sizes[3]} d${sizes[4]}`, t =>
        ops.attention(qkv(t, sizes))
      )
    ),
    conformanceCase('attention with a scale of its own', t => ops.attention(qkv(t, [1, 2, 4, 5, 8]), { scale: 0.05 })),
    conformanceCase('attention with a mask', t =>
      ops.attention(qkv(t, [2, 2, 4, 5, 8]), { mask: t.input([2, 1, 1, 5], { values: [0, 0, -1e9, 0, -1e9] }) })
    ),
    conformanceCase('attention with a full mask', t =>
      ops.attention(qkv(t, [2, 2, 4, 5, 8]), { mask: t.input([2, 2, 4, 5]) })
    ),
    conformanceCase('attention with a constant mask', t =>
      ops.attention(qkv(t, [1, 2, 3, 4, 8]), { mask: ops.fill([1, 1, 1, 4], 0) })
    ),
    conformanceCase('attention with relative positions', t =>
      ops.attention(qkv(t, [2, 2, 6, 12, 8]), { relPos: [t.input([2, 2, 6, 3]), t.input([2, 2, 6, 4])] })
    ),
    conformanceCase('attention with relative positions one row high', t =>
      ops.attention(qkv(t, [1, 1, 5, 5, 16]), { relPos: [t.input([1, 1, 5, 1]), t.input([1, 1, 5, 5])] })
    ),
    conformanceCase('attention of many prompts to one image', t =>
      ops.attention([t.input([3, 2, 4, 8]), t.input([1, 2, 9, 8]), t.input([1, 2, 9, 8])])
    ),
    conformanceCase('attention of one image to many prompts, masked', t =>
      ops.attention([t.input([1, 2, 9, 8]), t.input([3, 2, 4, 8]), t.input([3, 2, 4, 8])], {
        mask: t.input([3, 1, 1, 4], { values: [0, 0, 0, -1e9] })
      })
    ),
    conformanceCase('attention with values of another width', t =>
      ops.attention([t.input([1, 2, 4, 8]), t.input([1, 2, 5, 8]), t.input([1, 2, 5, 6])])
    ),
    conformanceCase(
      'attention with large scores',
      t =>
        ops.attention([
          t.input([1, 1, 5, 16], { range: [-30, 30] }),
          t.input([1, 1, 7, 16], { range: [-30, 30] }),
          t.input([1, 1, 7, 16])
        ]),
      1e-4
    )
  ]
}

function crossAttention(): ConformanceCase[] {
  const [width, heads] = [12, 2]
  const attend = (
    t: Leaves,
    [q, k]: readonly [Shape, Shape],
    { inner = width, mask }: { inner?: number; mask?: Value } = {}
  ) => {
    const into = (): ops.Projection => [t.param([inner, width]), t.param([inner])]
    const out: ops.Projection = [t.param([width, inner]), t.param([width])]
    return ops.crossAttention([t.input(q), t.input(k), t.input(k)], {
      heads,
      mask,
      projections: { q: into(), k: into(), v: into(), out }
    })
  }
  return [
    conformanceCase('crossAttention', t =>
      attend(t, [
        [2, 3, width],
        [2, 5, width]
      ])
    ),
    conformanceCase('crossAttention, narrower inside, of many prompts to one image', t =>
      attend(
        t,
        [
          [3, 4, width],
          [1, 9, width]
        ],
        { inner: 6 }
      )
    ),
    conformanceCase('crossAttention of one image to many prompts, masked', t =>
      attend(
        t,
        [
          [1, 9, width],
          [3, 4, width]
        ],
        { mask: t.input([3, 1, 1, 4], { values: [0, 0, 0, -1e9] }) }
      )
    )
  ]
}

function gridAttention(): ConformanceCase[] {
  interface Grid {
    batch?: number
    size: readonly [number, number]
    heads: number
    d: number
    window: number
  }
  const attend = (t: Leaves, { batch = 1, size, heads, d, window }: Grid) => {
    const [rows, columns] = window ? [window, window] : size
    return ops.gridAttention(t.input([batch, ...size, 3 * heads * d]), {
      heads,
      window,
      border: t.param([3 * heads * d]),
      relPos: [t.param([2 * rows - 1, d]), t.param([2 * columns - 1, d])]
    })
  }
  const grids: readonly Grid[] = [
    { size: [4, 4], heads: 2, d: 8, window: 0 },
    { size: [3, 5], heads: 1, d: 16, window: 0 },
    { batch: 2, size: [4, 3], heads: 2, d: 64, window: 0 },
    { size: [5, 5], heads: 1, d: 80, window: 0 },
    { size: [6, 6], heads: 2, d: 8, window: 3 },
    { size: [5, 7], heads: 2, d: 16, window: 3 },
    { batch: 2, size: [4, 5], heads: 1, d: 64, window: 3 },
    { size: [8, 7], heads: 2, d: 80, window: 4 },
    { size: [2, 2], heads: 1, d: 8, window: 3 },
    { size: [16, 15], heads: 1, d: 8, window: 14 }
  ]
  return grids.map(grid =>
    conformanceCase(
      `gridAttention ${grid.batch ?? 1}×[${grid.size}] heads${grid.heads} d${grid.d} ${grid.window ? `window ${grid.window}` : 'global'}`,
      t => attend(t, grid)
    )
  )
}

function windowAttention(): ConformanceCase[] {
  const grids: readonly {
    batch?: number
    size: readonly [number, number]
    heads: number
    d: number
    window: number
  }[] = [
    { size: [4, 4], heads: 2, d: 8, window: 4 },
    { size: [6, 6], heads: 2, d: 32, window: 3 },
    { batch: 2, size: [5, 7], heads: 3, d: 8, window: 3 },
    { size: [2, 3], heads: 1, d: 64, window: 4 },
    { size: [9, 8], heads: 1, d: 6, window: 7 },
    { size: [15, 14], heads: 2, d: 32, window: 14 }
  ]
  return grids.map(({ batch = 1, size, heads, d, window }) =>
    conformanceCase(`windowAttention ${batch}×[${size}] heads${heads} d${d} window ${window}`, t =>
      ops.windowAttention(t.input([batch, ...size, 3 * heads * d]), {
        heads,
        window,
        border: t.param([3 * heads * d]),
        bias: ops.windowBias(t.param([heads, window * window]), window)
      })
    )
  )
}

function convolutions(): ConformanceCase[] {
  return [
    conformanceCase('conv2d: patches', t =>
      ops.conv2d(t.input([1, 8, 12, 3]), [t.param([16, 3, 4, 4]), t.param([16])], { stride: 4 })
    ),
    conformanceCase('conv2d: patches that leave a rest', t =>
      ops.conv2d(t.input([2, 7, 9, 3]), [t.param([5, 3, 2, 2]), t.param([5])], { stride: 2 })
    ),
    conformanceCase('conv2d: 1×1', t => ops.conv2d(t.input([2, 5, 7, 6]), [t.param([4, 6, 1, 1]), t.param([4])])),
    conformanceCase('conv2d: 1×1 without bias', t => ops.conv2d(t.input([1, 5, 7, 6]), [t.param([4, 6, 1, 1])])),
    conformanceCase('conv2d: 3×3 padded', t =>
      ops.conv2d(t.input([2, 5, 7, 4]), [t.param([6, 4, 3, 3]), t.param([6])], { padding: 1 })
    ),
    conformanceCase('conv2d: 3×3 padded without bias', t =>
      ops.conv2d(t.input([1, 8, 8, 16]), [t.param([16, 16, 3, 3])], { padding: 1 })
    ),
    conformanceCase('conv2d: 3×3', t => ops.conv2d(t.input([1, 5, 6, 2]), [t.param([3, 2, 3, 3]), t.param([3])])),
    conformanceCase('conv2d: 1×3, as tall as its stride but wider', t =>
      ops.conv2d(t.input([1, 4, 6, 2]), [t.param([3, 2, 1, 3]), t.param([3])])
    ),
    conformanceCase('conv2d: of one pixel, padded', t =>
      ops.conv2d(t.input([1, 1, 1, 3]), [t.param([2, 3, 3, 3]), t.param([2])], { padding: 1 })
    ),
    conformanceCase('conv2d: 3×3 padded, stride 2', t =>
      ops.conv2d(t.input([2, 8, 6, 3]), [t.param([8, 3, 3, 3]), t.param([8])], { stride: 2, padding: 1 })
    ),
    conformanceCase('conv2d: 3×3 padded, stride 2, odd sides', t =>
      ops.conv2d(t.input([1, 7, 5, 4]), [t.param([6, 4, 3, 3])], { stride: 2, padding: 1 })
    ),
    conformanceCase('conv2d: depthwise 3×3', t =>
      ops.conv2d(t.input([2, 5, 7, 12]), [t.param([12, 1, 3, 3]), t.param([12])], { padding: 1, groups: 12 })
    ),
    conformanceCase('conv2d: depthwise 3×3 of few channels, without bias', t =>
      ops.conv2d(t.input([1, 6, 5, 5]), [t.param([5, 1, 3, 3])], { padding: 1, groups: 5 })
    ),
    conformanceCase('conv2d: depthwise 3×3, stride 2', t =>
      ops.conv2d(t.input([2, 8, 7, 8]), [t.param([8, 1, 3, 3]), t.param([8])], { stride: 2, padding: 1, groups: 8 })
    ),
    conformanceCase('conv2d: depthwise 5×3, then GELU', t =>
      ops.gelu(ops.conv2d(t.input([1, 9, 8, 16]), [t.param([16, 1, 5, 3]), t.param([16])], { padding: 1, groups: 16 }))
    ),
    conformanceCase('conv2d: groups of channels', t =>
      ops.conv2d(t.input([2, 5, 6, 6]), [t.param([4, 3, 3, 3]), t.param([4])], { padding: 1, groups: 2 })
    ),
    conformanceCase('conv2d: two results for each channel', t =>
      ops.conv2d(t.input([1, 4, 5, 4]), [t.param([8, 1, 3, 3]), t.param([8])], { padding: 1, groups: 4 })
    ),
    conformanceCase('conv2d: an MBConv block', t => {
      const x = t.input([1, 6, 7, 4])
      const wide = ops.gelu(ops.conv2d(x, [t.param([16, 4, 1, 1]), t.param([16])]))
      const deep = ops.conv2d(wide, [t.param([16, 1, 3, 3]), t.param([16])], { padding: 1, groups: 16 })
      const narrow = ops.conv2d(ops.gelu(deep), [t.param([4, 16, 1, 1]), t.param([4])])
      return { y: ops.gelu(ops.add(x, narrow)), wide, deep }
    }),
    conformanceCase('convTranspose2d 2×2', t =>
      ops.convTranspose2d(t.input([2, 3, 5, 8]), [t.param([8, 4, 2, 2]), t.param([4])])
    ),
    conformanceCase('convTranspose2d 3×2', t =>
      ops.convTranspose2d(t.input([1, 4, 3, 5]), [t.param([5, 7, 3, 2]), t.param([7])])
    ),
    conformanceCase('convTranspose2d of one pixel', t =>
      ops.convTranspose2d(t.input([1, 1, 1, 2]), [t.param([2, 1, 2, 2]), t.param([1])])
    ),
    conformanceCase('upscaling as the mask decoder does it', t => {
      const twice = ops.convTranspose2d(t.input([1, 4, 4, 16]), [t.param([16, 8, 2, 2]), t.param([8])])
      return ops.gelu(
        ops.convTranspose2d(ops.gelu(ops.layerNorm(twice, [t.param([8]), t.param([8])], { eps: 1e-6 })), [
          t.param([8, 4, 2, 2]),
          t.param([4])
        ])
      )
    })
  ]
}

function grids(): ConformanceCase[] {
  const resizes: readonly (readonly [Shape, readonly [number, number]])[] = [
    [
      [1, 2, 4, 4],
      [16, 16]
    ],
    [
      [1, 1, 8, 8],
      [3, 5]
    ],
    [
      [2, 3, 5, 7],
      [11, 13]
    ],
    [
      [7, 9],
      [7, 9]
    ],
    [
      [1, 1, 1, 1],
      [3, 4]
    ],
    [
      [3, 6, 5],
      [6, 10]
    ],
    [
      [1, 1, 32, 32],
      [85, 57]
    ],
    [
      [2, 2, 9, 4],
      [1, 1]
    ]
  ]
  const windows: readonly (readonly [Shape, number])[] = [
    [[1, 6, 6, 4], 3],
    [[2, 5, 7, 3], 3],
    [[1, 4, 4, 2], 4],
    [[1, 2, 3, 5], 4],
    [[3, 4, 4, 1], 1]
  ]
  return [
    ...resizes.map(([x, size]) =>
      conformanceCase(`resizeBilinear [${x}] to [${size}]`, t => ops.resizeBilinear(t.input(x), size))
    ),
    ...windows.flatMap(([x, window]) => [
      conformanceCase(`windowPartition [${x}] by ${window}`, t => ops.windowPartition(t.input(x), window)),
      conformanceCase(`windowPartition [${x}] by ${window} with a border`, t =>
        ops.windowPartition(t.input(x), window, t.param([x[3]]))
      ),
      conformanceCase(`windowUnpartition to [${x}] by ${window}`, t => {
        const [b, h, w, c] = x as [number, number, number, number]
        return ops.windowUnpartition(t.input([b * Math.ceil(h / window) * Math.ceil(w / window), window, window, c]), [
          h,
          w
        ])
      })
    ])
  ]
}

const residuals = (): ConformanceCase[] => [
  conformanceCase('residual', t => ops.residual(t.input([2, 3]), t.input([2, 3]), { branch: 'mlp', layer: 0 }))
]
