import { sameShape, sizeOf, stridesOf, type Shape, type Value } from '@sam/core/graph'

/** A buffer of a schedule, independent of a device. */
export interface Buffer {
  readonly id: number
  /** The element type in WGSL. Booleans are 0 and 1; f16 is a rounded f32. */
  readonly type: 'f32' | 'i32'
  readonly length: number
}

/**
 * A strided view of a buffer: element `at` is at offset + Σ at·strides. Movements are views, not copies.
 */
export interface View {
  readonly buffer: Buffer
  readonly shape: Shape
  readonly strides: readonly number[]
  readonly offset: number
}

/** The full buffer, row by row. */
export const denseView = (buffer: Buffer, shape: Shape): View => ({
  buffer,
  shape,
  strides: stridesOf(shape),
  offset: 0
})

/** Whether a view is its full buffer in row-major order, so that kernels can use flat indices. */
export const isDense = (v: View): boolean => v.offset === 0 && sizeOf(v.shape) === v.buffer.length && followsRows(v)

const followsRows = ({ shape, strides }: View): boolean => {
  const rows = stridesOf(shape)
  return shape.every((d, i) => d === 1 || strides[i] === rows[i])
}

/** The operations that are views of their operand; undefined if a copy is necessary (some reshapes). */
const views: Readonly<Record<string, (x: View, value: Value) => View | undefined>> = {
  stopGradient: x => x,
  transpose: (x, { attrs, shape }) => ({
    ...x,
    shape,
    strides: (attrs.perm as readonly number[]).map(p => x.strides[p])
  }),
  broadcast: (x, { shape }) => ({ ...x, shape, strides: x.strides.map((s, i) => (x.shape[i] === 1 ? 0 : s)) }),
  slice: (x, { attrs, shape }) => ({
    ...x,
    shape,
    offset: (attrs.start as readonly number[]).reduce((n, s, i) => n + s * x.strides[i], x.offset)
  }),
  reshape: (x, { shape }) => reshaped(x, shape)
}

/** Whether an operation only moves elements, so that it is a view of its operand. */
export const isView = (op: string): boolean => Object.hasOwn(views, op)

/** The result of an operation as a view; undefined if a copy is necessary or it is not a movement. */
export const moved = (value: Value, x: View): View | undefined =>
  isView(value.op) ? views[value.op](x, value) : undefined

/** Reshapes a view by splitting and joining axes; undefined if strides do not allow it. */
export function reshaped(x: View, shape: Shape): View | undefined {
  if (sameShape(x.shape, shape)) return x
  const strides = new Array<number>(shape.length).fill(0)
  const axes = x.shape.map((size, i) => ({ size, stride: x.strides[i] })).filter(a => a.size !== 1)
  let [from, to] = [0, 0]
  while (to < shape.length) {
    if (shape[to] === 1) {
      to++
      continue
    }
    // The smallest groups of old and new axes with equal numbers of elements.
    const [firstFrom, firstTo] = [from, to]
    let [old, now] = [axes[from++].size, shape[to++]]
    while (old !== now) {
      if (old < now) old *= axes[from++].size
      else now *= shape[to++]
    }
    for (let i = firstFrom; i + 1 < from; i++)
      if (axes[i].stride !== axes[i + 1].stride * axes[i + 1].size) return undefined
    let stride = axes[from - 1].stride
    for (let i = to - 1; i >= firstTo; i--) {
      strides[i] = stride
      stride *= shape[i]
    }
  }
  return { ...x, shape, strides }
}

/** The common axes of several views, joined where possible, for the fewest loops. */
export interface Walk {
  readonly sizes: readonly number[]
  /** Strides of each view. */
  readonly strides: readonly (readonly number[])[]
}

export function walk(views: readonly View[]): Walk {
  const shape = views[0].shape
  const sizes: number[] = []
  const strides: number[][] = views.map(() => [])
  shape.forEach((size, axis) => {
    if (size === 1) return
    const last = sizes.length - 1
    const joins = last >= 0 && views.every((v, i) => strides[i][last] === v.strides[axis] * size)
    if (joins) sizes[last] *= size
    else sizes.push(size)
    views.forEach((v, i) => {
      strides[i][joins ? last : last + 1] = v.strides[axis]!
    })
  })
  return { sizes, strides }
}

/** The stride of a view's leading axes joined into one; undefined if they cannot be joined. */
export function joinedStride(v: View, axes: number): number | undefined {
  const { sizes, strides } = walk([{ ...v, shape: v.shape.slice(0, axes), strides: v.strides.slice(0, axes) }])
  if (sizes.length > 1) return undefined
  return sizes.length ? strides[0][0] : 0
}
