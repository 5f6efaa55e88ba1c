import type { Shape } from '@sam/core/graph'
import type { Builder } from '../builder.js'

export const reshape = (to: Builder, x: string, shape: Shape): string =>
  to.node('Reshape', [x, to.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {})

export const transpose = (to: Builder, x: string, perm: readonly number[]): string =>
  to.node('Transpose', [x], { perm })

export const expand = (to: Builder, x: string, shape: Shape): string => to.node('Expand', [x, to.ints(shape)])
