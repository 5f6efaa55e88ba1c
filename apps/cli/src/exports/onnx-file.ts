import { basename } from 'node:path'
import type { WeightSource } from '@sam/core'
import { sizeOf } from '@sam/core/graph'
import type { OnnxModel, OnnxOptions, Precision } from '@sam/onnx'
import type { ExportedModel } from '@sam/onnx/sam'
import type { ExportFile } from './format.js'

/** Precisions of models for transformers.js, with the ends of their file names. */
export const precisions = {
  f32: { precision: 'f32', suffix: '' },
  f16: { precision: 'f16', suffix: '_fp16' },
  q8: { precision: 'int8', suffix: '_quantized' }
} as const satisfies Record<string, { precision: Precision; suffix: string }>

/** Bytes of weights up to which a model is one file: a protobuf has at most 2 GB. */
const oneFileLimit = 1.9e9

/**
 * A model as a file; where it would be too large, with its weights in a second file, as transformers.js names it:
 * `<path>_data`.
 */
export function onnxFiles<Size extends string>(
  path: string,
  exported: ExportedModel<Size>,
  { weights, ...options }: OnnxOptions
): readonly ExportFile[] {
  const { sizes, options: own } = exported
  let written: Promise<OnnxModel> | undefined
  const model = (signal: AbortSignal): Promise<OnnxModel> =>
    (written ??= import('@sam/onnx').then(({ toDynamicOnnx }) =>
      toDynamicOnnx(at => exported.build(at), sizes, {
        ...own,
        ...options,
        weights,
        signal,
        externalDataPath: `${basename(path)}_data`,
        inlineLimit: large ? undefined : Infinity
      })
    ))
  const large = isLarge(weights, options)
  return [
    {
      path,
      async chunks(signal) {
        const { model: bytes } = await model(signal)
        return [bytes]
      }
    },
    ...(large
      ? [
          {
            path: `${path}_data`,
            chunks: async (signal: AbortSignal) => (await model(signal)).externalData?.chunks(signal) ?? []
          }
        ]
      : [])
  ]
}

/** Whether an image encoder of these weights is too large for one file. */
export const isLarge = (weights: WeightSource, { precision = 'f32' }: Pick<OnnxOptions, 'precision'> = {}): boolean =>
  weights.names.reduce((bytes, name) => bytes + sizeOf(weights.info(name).shape), 0) *
    { f32: 4, f16: 2, int8: 1, uint8: 1 }[precision] >
  oneFileLimit
