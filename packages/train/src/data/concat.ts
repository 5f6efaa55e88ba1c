import { f32, sizeOf, type HostTensor } from '@sam/core/graph'

/** Concatenates tensors along their first dimension; the others must be equal. */
export function concat(tensors: readonly HostTensor[]): HostTensor<'f32'> {
  const [, ...shape] = tensors[0].shape
  const rows = tensors.reduce((sum, t) => sum + t.shape[0], 0)
  const data = new Float32Array(rows * sizeOf(shape))
  let at = 0
  for (const t of tensors) {
    data.set(t.data, at)
    at += t.data.length
  }
  return f32([rows, ...shape], data)
}
