/** The cost of a model: parameters, FLOPs and memory, counted on its graphs. Paper: §3, "efficiency"; Appendix A. */
import { paramsOf, valuesOf, type Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { absorbProjections } from '../passes/absorb-projections.js'
import { bodyOf, bytesOf, flops, memory } from '../passes/cost.js'
import { decompose } from '../passes/decompose.js'
import { simplify } from '../passes/simplify.js'
import { stage } from '../passes/stage.js'
import { sizeOf } from '../tensor/shape.js'
import type { SamConfig } from './config.js'
import { decodeMasks, encodeImage } from './graphs.js'

export interface PartCost {
  readonly part: string
  readonly parameters: number
  /** Two per multiply-add, without what is computed once per checkpoint. */
  readonly flops: number
}

export interface GraphCost {
  readonly parts: readonly PartCost[]
  readonly parameters: number
  /** Bytes of the parameters as f32. */
  readonly weightBytes: number
  readonly flops: number
  /** With every composite fused, which backends approach. */
  readonly fused: MemoryCost
  /** With every composite decomposed into primitives. */
  readonly decomposed: MemoryCost
}

/** Bytes while the graph runs, without weights. */
export interface MemoryCost {
  readonly largestBytes: number
  /** The operation with the largest output, and its shape. */
  readonly largest: string
  readonly peakBytes: number
}

export interface ModelCost {
  /** Runs once per image. */
  readonly imageEncoder: GraphCost
  /** Prompt encoder and mask decoder for a single click. */
  readonly maskDecoder: GraphCost
  /** FLOPs of `maskDecoder` that depend on the image alone: computed once per image, not per click. */
  readonly perImage: number
  /** FLOPs of `maskDecoder` over those of `imageEncoder`. */
  readonly decoderShare: number
}

/** Cost of a model. A click is one point and Meta's padding point; parameters include those of mask prompts. */
export function modelCost(config: SamConfig): ModelCost {
  const click = absorbProjections(decodeMasks(config, { prompts: 1, points: 2 }), ['image_embedding'])
  const withMask = decodeMasks(config, { prompts: 1, points: 2, masks: true })
  const imageEncoder = graphCost(encodeImage(config))
  const maskDecoder = graphCost(click, paramsOf(withMask))
  return {
    imageEncoder,
    maskDecoder,
    perImage: total(valuesOf(stage(click, ['image_embedding']).early), flops),
    decoderShare: maskDecoder.flops / imageEncoder.flops
  }
}

function graphCost(g: Graph, params = paramsOf(g)): GraphCost {
  const table = new Map<string, { parameters: number; flops: number }>()
  const count = (part: string, parameters: number, flops: number): void => {
    const row = table.get(part) ?? { parameters: 0, flops: 0 }
    table.set(part, { parameters: row.parameters + parameters, flops: row.flops + flops })
  }
  for (const p of params) count(partOfName(nameOf(p)!), sizeOf(p.shape), 0)
  const scopes = new Map<Value, string>()
  const everyRun = new Set<Value>(g.inputs) // what depends on params alone is computed once per checkpoint
  for (const value of valuesOf(g)) {
    const own = value.inputs.map(nameOf).find(name => name?.includes('.')) // only names of params have dots
    const weightFirst = value.op === 'linear' ? [value.inputs[1], ...value.inputs] : value.inputs
    const scope = nameOf(value) ? undefined : (own ?? weightFirst.map(v => scopes.get(v)).find(s => s !== undefined))
    if (scope !== undefined) scopes.set(value, scope)
    if (value.inputs.some(v => everyRun.has(v))) everyRun.add(value)
    if (everyRun.has(value)) for (const [part, n] of flopsByPart(value, scope ?? '')) if (n) count(part, 0, n)
  }
  const parts = [...partNames.map(([part]) => part), 'other'].flatMap(part =>
    table.has(part) ? [{ part, ...table.get(part)! }] : []
  )
  const parameters = total(parts, row => row.parameters)
  return {
    parts,
    parameters,
    weightBytes: 4 * parameters,
    flops: total(parts, row => row.flops),
    fused: held(g, () => true),
    decomposed: held(g, () => false)
  }
}

/**
 * A node's FLOPs by part. Grid attention has two: its products, windowed or global, and those of relative positions.
 */
function flopsByPart(value: Value, scope: string): [part: string, flops: number][] {
  if (value.op === 'windowAttention') return [['window attention', flops(value)]]
  if (value.op !== 'gridAttention') return [[partOfName(scope), flops(value)]]
  const products = total(
    bodyOf(value).filter(v => v.op === 'attention'),
    flops
  )
  return [
    [value.attrs.window ? 'window attention' : 'global attention', products],
    ['relative positions', flops(value) - products]
  ]
}

/**
 * Parts in the order of the paper's figure; parameter names select the first that matches. Attention products have no
 * parameters.
 */
const partNames: readonly (readonly [part: string, names?: RegExp])[] = [
  ['patch embedding', /^image_encoder\.(patch_embed|pos_embed)/],
  ['convolutions', /^image_encoder\.layers\..*(conv\d|local_conv)\./],
  ['linear layers', /^image_encoder\.(blocks|layers)\..*(attn\.(qkv|proj)|mlp\.(lin|fc)\d)\./],
  ['norms', /^image_encoder\.(blocks|layers)\..*norm\d?\./],
  ['window attention'],
  ['global attention'],
  ['relative positions', /^image_encoder\..*(rel_pos|attention_biases)/],
  ['neck', /^image_encoder\.neck/],
  ['prompt encoder', /^prompt_encoder\./],
  ['two-way transformer', /^mask_decoder\.transformer\./],
  ['upscaling', /^mask_decoder\.output_upscaling\./],
  ['masks', /^mask_decoder\.(output_hypernetworks_mlps|mask_tokens)/],
  ['predicted IoU', /^mask_decoder\./]
]

const partOfName = (name: string): string => partNames.find(([, names]) => names?.test(name))?.[0] ?? 'other'

/** Memory of a graph without what depends on the weights alone, which backends compute once. */
function held(g: Graph, keeps: (node: Value) => boolean): MemoryCost {
  const { largest, peakBytes } = memory(stage(simplify(decompose(g, keeps)), [], 'setup').late)
  return { largestBytes: bytesOf(largest), largest: `${largest.op} [${largest.shape}]`, peakBytes }
}

const total = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0)
