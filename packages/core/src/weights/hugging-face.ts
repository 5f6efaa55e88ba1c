/**
 * Names that begin with the first part at Meta begin with the second in Hugging Face's `SamModel`; the first row that
 * fits counts.
 */
const beginnings: readonly (readonly [meta: string, huggingFace: string])[] = [
  ['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix', 'shared_image_embedding.positional_embedding'],
  // The same tensor under its second name, in files of early versions.
  [
    'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
    'prompt_encoder.shared_embedding.positional_embedding'
  ],
  ['image_encoder.patch_embed.proj.', 'vision_encoder.patch_embed.projection.'],
  ['image_encoder.blocks.', 'vision_encoder.layers.'],
  ['image_encoder.neck.0.', 'vision_encoder.neck.conv1.'],
  ['image_encoder.neck.1.', 'vision_encoder.neck.layer_norm1.'],
  ['image_encoder.neck.2.', 'vision_encoder.neck.conv2.'],
  ['image_encoder.neck.3.', 'vision_encoder.neck.layer_norm2.'],
  ['image_encoder.', 'vision_encoder.'],
  ['prompt_encoder.point_embeddings.', 'prompt_encoder.point_embed.'],
  ['prompt_encoder.mask_downscaling.0.', 'prompt_encoder.mask_embed.conv1.'],
  ['prompt_encoder.mask_downscaling.1.', 'prompt_encoder.mask_embed.layer_norm1.'],
  ['prompt_encoder.mask_downscaling.3.', 'prompt_encoder.mask_embed.conv2.'],
  ['prompt_encoder.mask_downscaling.4.', 'prompt_encoder.mask_embed.layer_norm2.'],
  ['prompt_encoder.mask_downscaling.6.', 'prompt_encoder.mask_embed.conv3.'],
  ['mask_decoder.transformer.norm_final_attn.', 'mask_decoder.transformer.layer_norm_final_attn.'],
  ['mask_decoder.output_upscaling.0.', 'mask_decoder.upscale_conv1.'],
  ['mask_decoder.output_upscaling.1.', 'mask_decoder.upscale_layer_norm.'],
  ['mask_decoder.output_upscaling.3.', 'mask_decoder.upscale_conv2.']
]

/**
 * A layer of the decoder's small MLPs: Meta counts layers 0 … n−1, Hugging Face has proj_in, layers 0 … n−3, proj_out.
 */
const mlpLayer =
  /^(mask_decoder\.(?:iou_prediction_head|output_hypernetworks_mlps\.\d+)\.)(proj_in|proj_out|layers\.(\d+))(?=\.)/

/** Whether these are names of Hugging Face's `SamModel`. */
export const isHuggingFace = (names: readonly string[]): boolean =>
  names.some(name => name.startsWith('vision_encoder.layers.')) && names.some(name => name.startsWith('mask_decoder.'))

/**
 * Hugging Face's `SamModel` names → Meta's, for one checkpoint with these names. Source: transformers,
 * models/sam/convert_sam_to_hf.py.
 */
export function toMeta(names: readonly string[]): (name: string) => string {
  const hidden = largestLayer(names)
  return name =>
    begin(name, 1, 0)
      .replace(/^((?:image_encoder\.blocks|mask_decoder\.transformer\.layers)\.\d+\.)layer_norm(?=\d)/, '$1norm')
      .replace(
        mlpLayer,
        (...[, head, layer, index]: string[]) =>
          `${head}layers.${layer === 'proj_in' ? 0 : layer === 'proj_out' ? (hidden.get(head) ?? -1) + 2 : Number(index) + 1}`
      )
}

/** Meta's names → Hugging Face's, the inverse of `toMeta`. */
export function toHuggingFace(names: readonly string[]): (name: string) => string {
  const last = largestLayer(names)
  return name =>
    begin(name, 0, 1)
      .replace(/^((?:vision_encoder\.layers|mask_decoder\.transformer\.layers)\.\d+\.)norm(?=\d)/, '$1layer_norm')
      .replace(
        mlpLayer,
        (...[, head, , index]: string[]) =>
          `${head}${Number(index) === 0 ? 'proj_in' : Number(index) === last.get(head) ? 'proj_out' : `layers.${Number(index) - 1}`}`
      )
}

const begin = (name: string, from: 0 | 1, to: 0 | 1): string => {
  const row = beginnings.find(pair => name.startsWith(pair[from]))
  return row ? row[to] + name.slice(row[from].length) : name
}

/** For each MLP of the decoder, the largest index under `layers`. */
function largestLayer(names: readonly string[]): ReadonlyMap<string, number> {
  const largest = new Map<string, number>()
  for (const name of names) {
    const [, head, , index] = mlpLayer.exec(name) ?? []
    if (head !== undefined && index !== undefined) largest.set(head, Math.max(largest.get(head) ?? 0, Number(index)))
  }
  return largest
}
