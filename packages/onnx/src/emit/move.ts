import { arrayOf, type HostTensor, type Shape } from '@sam/core/graph'
import * as write from './write.js'
import type { Emit } from '../builder.js'

export const reshape: Emit = (to, y) => write.reshape(to, to.of(y.inputs[0]), y.shape)
export const transpose: Emit = (to, y) => write.transpose(to, to.of(y.inputs[0]), y.attrs.perm as readonly number[])
export const broadcast: Emit = (to, y) => write.expand(to, to.of(y.inputs[0]), y.shape)

export const slice: Emit = (to, y) => {
  const start = y.attrs.start as readonly number[]
  const cut = y.shape.map((_, i) => i).filter(i => y.shape[i] !== y.inputs[0].shape[i])
  return to.node('Slice', [
    to.of(y.inputs[0]),
    to.ints(cut.map(i => start[i])),
    to.ints(cut.map(i => start[i] + y.shape[i])),
    to.ints(cut)
  ])
}

export const pad: Emit = (to, y) => {
  const { before, after, value } = y.attrs as { before: readonly number[]; after: readonly number[]; value: number }
  return to.node('Pad', [to.of(y.inputs[0]), to.ints([...before, ...after]), to.constant(scalar(y.dtype, value))])
}

/** Adds the updates to zeros at the index. ONNX requires an index for every element. */
export const scatterAdd: Emit = (to, y) => {
  const [updates, index] = y.inputs
  const axis = y.attrs.axis as number
  const along: Shape = updates.shape.map((d, i) => (i === axis ? d : 1))
  const everywhere = write.expand(to, write.reshape(to, to.of(index), along), updates.shape)
  const zeros = write.expand(to, to.constant(scalar(y.dtype, 0)), y.shape)
  return to.node('ScatterElements', [zeros, everywhere, to.of(updates)], { axis, reduction: 'add' })
}

const scalar = (dtype: HostTensor['dtype'], value: number): HostTensor => ({
  dtype,
  shape: [],
  data: arrayOf[dtype].from([value])
})
