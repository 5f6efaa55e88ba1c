import type { Graph } from '@sam/core/graph'
import type { DynamicSize } from '../dynamic.js'
import type { OnnxOptions } from '../lower.js'

/** A model to write with `toDynamicOnnx(build, sizes, { …options, weights })`. */
export interface ExportedModel<Size extends string = string> {
  readonly sizes: Readonly<Record<Size, DynamicSize>>
  readonly options: Pick<OnnxOptions, 'int64Inputs' | 'int64Outputs' | 'metadata'>
  readonly build: (sizes: Readonly<Record<Size, number>>) => Graph
}
