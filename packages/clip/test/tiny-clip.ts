import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openWeights, type WeightSource } from '@sam/core'
import { f32, nameOf, paramsOf, type HostTensor, type Shape, memoryWeights } from '@sam/core/graph'
import { hashFill } from '@sam/core/testing'
import { encodeCrops, encodeText, type ClipConfig } from '../src/index.js'

/** The tiny CLIP of the reference values: fixtures/clip-tiny.json. */
export const tinyClip: ClipConfig = {
  text: { width: 64, depth: 3, heads: 2, mlpWidth: 256, vocabulary: 600, context: 77, end: 599 },
  vision: { width: 128, depth: 3, heads: 2, mlpWidth: 512, imageSize: 64, patchSize: 16 },
  projection: 32,
  activation: 'quick_gelu',
  eps: 1e-5
}

export const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))
/** Its inputs and outputs, in memory. */
export const tinyIo = (): Promise<WeightSource> => openWeights(readFileSync(fixture('clip-tiny-io.safetensors')))
const { seed } = JSON.parse(readFileSync(fixture('clip-tiny.json'), 'utf8')) as { seed: number }

/**
 * Its weights: hash-filled under OpenAI's names, then renamed to Hugging Face's, as by transformers' converter.
 */
export function tinyWeights(config = tinyClip): WeightSource {
  const wanted = [encodeText(config, { texts: 1 }), encodeCrops(config, { images: 1 })].flatMap(paramsOf)
  return memoryWeights(
    Object.fromEntries([
      ...wanted.map(({ shape, ...value }): [string, HostTensor<'f32'>] => [
        nameOf(value as never)!,
        fill(nameOf(value as never)!, shape)
      ]),
      ['logit_scale', f32([], hashFill({ name: 'logit_scale', shape: [] }, seed))]
    ]),
    'tiny CLIP'
  )
}

function fill(name: string, shape: Shape): HostTensor<'f32'> {
  const openAi = openAiName(name)
  const filled = (as: Shape): Float32Array => hashFill({ name: openAi, shape: as }, seed)
  const [, which, kind] = /\.([qkv])_proj\.(weight|bias)$/.exec(name) ?? []
  if (which !== undefined) {
    const all = filled(kind === 'bias' ? [3 * shape[0]] : [3 * shape[0], shape[1]])
    const third = all.length / 3
    return f32(shape, all.slice('qkv'.indexOf(which) * third, ('qkv'.indexOf(which) + 1) * third))
  }
  if (!/^(text|visual)_projection/.test(name)) return f32(shape, filled(shape))
  const [out, width] = shape as [number, number]
  const product = filled([width, out]) // stored as x·W
  return f32(
    shape,
    Float32Array.from({ length: out * width }, (_, i) => product[(i % width) * out + Math.floor(i / width)])
  )
}

const openAiName = (name: string): string =>
  name
    .replace('text_projection.weight', 'text_projection')
    .replace('visual_projection.weight', 'visual.proj')
    .replace('text_model.embeddings.token_embedding', 'token_embedding')
    .replace('text_model.embeddings.position_embedding.weight', 'positional_embedding')
    .replace('text_model.final_layer_norm', 'ln_final')
    .replace('text_model.encoder.layers', 'transformer.resblocks')
    .replace('vision_model.embeddings.class_embedding', 'visual.class_embedding')
    .replace('vision_model.embeddings.position_embedding.weight', 'visual.positional_embedding')
    .replace('vision_model.embeddings.patch_embedding', 'visual.conv1')
    .replace('vision_model.pre_layrnorm', 'visual.ln_pre')
    .replace('vision_model.post_layernorm', 'visual.ln_post')
    .replace('vision_model.encoder.layers', 'visual.transformer.resblocks')
    .replace(/self_attn\.[qkv]_proj\./, 'attn.in_proj_')
    .replace('self_attn.out_proj', 'attn.out_proj')
    .replace('layer_norm', 'ln_')
    .replace('mlp.fc1', 'mlp.c_fc')
    .replace('mlp.fc2', 'mlp.c_proj')

interface TokenizerJson {
  added_tokens: { id: number; content: string }[]
  post_processor: object
  model: { vocab: Record<string, number>; merges: string[] }
}

/**
 * Its tokenizer: CLIP's without merges, so that every byte is a token; start and end are the last two of its 600 rows.
 */
export function tinyTokenizer(): TokenizerJson {
  const json = JSON.parse(readFileSync(fixture('clip-tokenizer-excerpt.json'), 'utf8')) as TokenizerJson
  const [start, end] = ['<|startoftext|>', '<|endoftext|>']
  const bytes = Object.fromEntries(Object.entries(json.model.vocab).filter(([, id]) => id < 512))
  return {
    ...json,
    added_tokens: json.added_tokens.map(token => ({ ...token, id: token.content === end ? 599 : 598 })),
    post_processor: { ...json.post_processor, sep: [end, 599], cls: [start, 598] },
    model: { ...json.model, vocab: { ...bytes, [start]: 598, [end]: 599 }, merges: [] }
  }
}
