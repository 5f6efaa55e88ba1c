import { input, nameOf, ops, paramsOf, type Graph, type Value } from '@sam/core/graph'
import { adamw, type AdamWOptions } from './adamw.js'
import { clipFactor, globalNorm } from './clip-norm.js'
import type { ParamRule } from './groups.js'

export interface MovesOptions {
  /** The params that move. */
  readonly trained: readonly string[]
  readonly rule: (name: string, rank: number) => ParamRule
  /** Limit of the gradients' common norm. */
  readonly clipNorm: number
  /** Steps whose gradients are averaged before the params move. */
  readonly accumulate: number
  readonly adamw: AdamWOptions
}

/**
 * What a differentiated graph's params become: clipping, AdamW, and with accumulation the sums of gradients on the way.
 * Inputs are made for `rate`, `correction` f32[2], `adamw/m/<param>` and `adamw/v/<param>`; with accumulation `gradient/<param>` and `apply`, which is 1 in the
 * step that moves the params and else 0. Each is given back under its own name, and `gradient_norm` beside them.
 */
export function moves(differentiated: Graph, { trained, rule, clipNorm, accumulate, adamw: moments }: MovesOptions): Record<string, Value> {
  const params = new Map(paramsOf(differentiated).map(v => [nameOf(v)!, v]))
  const outputs: Record<string, Value> = {}
  const [apply, rate, correction] = [input('apply', []), input('rate', []), input('correction', [2])]
  const now = ops.less(0.5, apply)
  const corrections = [0, 1].map(i => ops.reshape(ops.slice(correction, 0, { start: i, size: 1 }), [])) as [Value, Value]

  const gradients = new Map(trained.map(name => {
    const gradient = differentiated.outputs[`grad/${name}`]
    return [name, accumulate > 1 ? ops.add(input(`gradient/${name}`, gradient.shape), ops.div(gradient, accumulate)) : gradient]
  }))
  const norm = globalNorm([...gradients.values()])
  const factor = clipFactor(norm, clipNorm)
  for (const [name, sum] of gradients) {
    const { rateScale, weightDecay } = rule(name, sum.shape.length)
    const state = { param: params.get(name)!, m: input(`adamw/m/${name}`, sum.shape), v: input(`adamw/v/${name}`, sum.shape) }
    const next = adamw(state, { gradient: sum, factor, rate: ops.mul(rate, rateScale), weightDecay, correction: corrections }, moments)
    const when = (yes: Value, no: Value): Value => accumulate > 1 ? ops.where(now, yes, no) : yes
    Object.assign(outputs, { [name]: when(next.param, state.param), [`adamw/m/${name}`]: when(next.m, state.m), [`adamw/v/${name}`]: when(next.v, state.v) })
    if (accumulate > 1) outputs[`gradient/${name}`] = ops.where(now, ops.fill(sum.shape, 0), sum)
  }
  return { ...outputs, gradient_norm: norm }
}
