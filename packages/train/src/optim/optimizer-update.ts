import { input, nameOf, ops, paramsOf, type Graph, type Value } from '@sam/core/graph'
import { adamw, type AdamWOptions } from './adamw.js'
import { clipFactor, globalNorm } from './clip-norm.js'
import type { ParamRule } from './groups.js'
import type { Optimizer, OptimizerFor } from './optimizer.js'

export interface OptimizerUpdateOptions {
  /** Names of the params that are trained. */
  readonly trained: readonly string[]
  readonly rule: (name: string, rank: number) => ParamRule
  /** Limit of the global gradient norm. */
  readonly clipNorm: number
  /** Micro-steps whose gradients are averaged before the params are updated. */
  readonly accumulate: number
  readonly adamw: AdamWOptions
  /** The optimizer of a param. Default: AdamW for all. */
  readonly optimizerFor?: OptimizerFor | undefined
}

/**
 * The updated params of a differentiated graph: gradient clipping, the optimizer, and with accumulation the running
 * sums of gradients. Adds the inputs `rate`, `correction` f32[2] and `<optimizer>/<moment>/<param>`; with accumulation
 * `gradient/<param>`, and `apply`: 1 in the micro-step that updates the params, else 0. Each is also an output under
 * its own name, and so is `gradient_norm`.
 */
export function optimizerUpdate(
  differentiated: Graph,
  { trained, rule, clipNorm, accumulate, adamw: options, optimizerFor }: OptimizerUpdateOptions
): Record<string, Value> {
  const params = new Map(paramsOf(differentiated).map(v => [nameOf(v)!, v]))
  const outputs: Record<string, Value> = {}
  const [apply, rate, correction] = [input('apply', []), input('rate', []), input('correction', [2])]
  const isLast = ops.less(0.5, apply)
  const corrections = [0, 1].map(i => ops.reshape(ops.slice(correction, 0, { start: i, size: 1 }), [])) as [
    Value,
    Value
  ]
  const defaultOptimizer: Optimizer = {
    name: 'adamw',
    moments: ['m', 'v'],
    update: (state, step) => ({ ...adamw(state as { param: Value; m: Value; v: Value }, step, options) })
  }

  const gradients = new Map(
    trained.map(name => {
      const gradient = differentiated.outputs[`grad/${name}`]
      return [
        name,
        accumulate > 1 ? ops.add(input(`gradient/${name}`, gradient.shape), ops.div(gradient, accumulate)) : gradient
      ]
    })
  )
  const norm = globalNorm([...gradients.values()])
  const factor = clipFactor(norm, clipNorm)
  for (const [name, gradient] of gradients) {
    const { rateScale, weightDecay } = rule(name, gradient.shape.length)
    const optimizer = optimizerFor?.(name, gradient.shape) ?? defaultOptimizer
    const before: Readonly<Record<string, Value>> = {
      param: params.get(name)!,
      ...Object.fromEntries(
        optimizer.moments.map(moment => [moment, input(`${optimizer.name}/${moment}/${name}`, gradient.shape)])
      )
    }
    const step = { gradient, factor, rate: ops.mul(rate, rateScale), weightDecay, correction: corrections }
    const after = optimizer.update(before, step)
    for (const [key, value] of Object.entries(before))
      outputs[nameOf(value)!] = accumulate > 1 ? ops.where(isLast, after[key], value) : after[key]
    if (accumulate > 1) outputs[`gradient/${name}`] = ops.where(isLast, ops.fill(gradient.shape, 0), gradient)
  }
  return { ...outputs, gradient_norm: norm }
}
