import { input, nameOf, ops, paramsOf, type Graph, type Value } from '@sam/core/graph'
import { adamw, type AdamWOptions } from './adamw.js'
import { clipFactor, globalNorm } from './clip-norm.js'
import { isHidden, type ParamRule } from './groups.js'
import { muon, type MuonOptions } from './muon.js'

export interface MovesOptions {
  /** The params that move. */
  readonly trained: readonly string[]
  readonly rule: (name: string, rank: number) => ParamRule
  /** Limit of the gradients' common norm. */
  readonly clipNorm: number
  /** Steps whose gradients are averaged before the params move. */
  readonly accumulate: number
  readonly adamw: AdamWOptions
  /** How matrices between hidden layers move (`isHidden`); as all else unless told. */
  readonly muon?: MuonOptions | undefined
}

/**
 * What a differentiated graph's params become: clipping, AdamW or Muon, and with accumulation the sums of gradients on
 * the way. Inputs are made for `rate`, `correction` f32[2], `adamw/m/<param>` and `adamw/v/<param>`, or
 * `muon/m/<param>`; with accumulation `gradient/<param>` and `apply`, which is 1 in the step that moves the params and
 * else 0. Each is given back under its own name, and `gradient_norm` beside them.
 */
export function moves(
  differentiated: Graph,
  { trained, rule, clipNorm, accumulate, adamw: moments, muon: orthogonal }: MovesOptions
): Record<string, Value> {
  const params = new Map(paramsOf(differentiated).map(v => [nameOf(v)!, v]))
  const outputs: Record<string, Value> = {}
  const [apply, rate, correction] = [input('apply', []), input('rate', []), input('correction', [2])]
  const now = ops.less(0.5, apply)
  const corrections = [0, 1].map(i => ops.reshape(ops.slice(correction, 0, { start: i, size: 1 }), [])) as [
    Value,
    Value
  ]

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
  for (const [name, sum] of gradients) {
    const { rateScale, weightDecay } = rule(name, sum.shape.length)
    const param = params.get(name)!
    const moment = (kind: string): Value => input(`${kind}/${name}`, sum.shape)
    const step = { gradient: sum, factor, rate: ops.mul(rate, rateScale), weightDecay }
    const [before, after] =
      orthogonal && isHidden(name, sum.shape)
        ? pair({ param, m: moment('muon/m') }, state => muon(state, step, orthogonal))
        : pair({ param, m: moment('adamw/m'), v: moment('adamw/v') }, state =>
            adamw(state, { ...step, correction: corrections }, moments)
          )
    before.forEach((value, i) => {
      outputs[nameOf(value)!] = accumulate > 1 ? ops.where(now, after[i], value) : after[i]
    })
    if (accumulate > 1) outputs[`gradient/${name}`] = ops.where(now, ops.fill(sum.shape, 0), sum)
  }
  return { ...outputs, gradient_norm: norm }
}

/** A state's values and those of the next, in one order. */
function pair<S extends object>(before: S, next: (before: S) => S): readonly [readonly Value[], readonly Value[]] {
  const after = next(before)
  const keys = Object.keys(before) as (keyof S)[]
  return [keys.map(key => before[key] as Value), keys.map(key => after[key] as Value)]
}
