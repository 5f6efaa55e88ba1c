import { join } from 'node:path'
import type { WeightSource } from '@sam/core'
import { renamed } from '@sam/core/graph'
import { configKey, isVit, storedIn, toHuggingFace, writePth, writeSafetensors } from '@sam/core/model'
import {
  metaDecoder,
  metaEncoder,
  transformersConfig,
  transformersDecoder,
  transformersEncoder,
  transformersPreprocessor
} from '@sam/onnx/sam'
import { usage } from '../failure.js'
import { dtypes, jsonFile, oneDtype, storedTypes, type ExportedSam, type Format, type FormatOptions } from './format.js'
import { isLarge, onnxFiles, precisions } from './onnx-file.js'

/** What `sam export` writes of a SAM, by the names of `--format`. */
export const formats = {
  transformers: {
    folder: true,
    reads: ['dtype'],
    files({ weights, config }, to, options) {
      const model = config()
      const kinds = dtypes(options, precisions, ['f32']).map(dtype => precisions[dtype])
      const parts = {
        vision_encoder: transformersEncoder(model),
        prompt_encoder_mask_decoder: transformersDecoder(model)
      }
      const large = kinds.filter(({ precision }) => isLarge(weights, { precision }))
      const external = Object.fromEntries(large.map(({ suffix }) => [`vision_encoder${suffix}.onnx`, true]))
      return [
        jsonFile(join(to, 'config.json'), {
          ...transformersConfig(model),
          ...(large.length && { 'transformers.js_config': { use_external_data_format: external } })
        }),
        jsonFile(join(to, 'preprocessor_config.json'), transformersPreprocessor(model)),
        ...kinds.flatMap(({ precision, suffix }) =>
          Object.entries(parts).flatMap(([name, part]) =>
            onnxFiles(join(to, 'onnx', `${name}${suffix}.onnx`), part, {
              weights: name === 'vision_encoder' ? weights : withoutEncoder(weights),
              precision
            })
          )
        )
      ]
    }
  },
  'meta-decoder': {
    folder: false,
    reads: ['returnSingleMask', 'useStabilityScore', 'returnExtraMetrics', 'geluApproximate', 'opset', 'quantizeOut'],
    files({ weights, config }, to, options) {
      const { geluApproximate, opset = 17, quantizeOut } = options
      const decoder = metaDecoder(config(), options)
      const common = { weights: withoutEncoder(weights), geluApproximate, opset }
      return [
        ...onnxFiles(to, decoder, common),
        ...(quantizeOut === undefined ? [] : onnxFiles(quantizeOut, decoder, { ...common, precision: 'uint8' }))
      ]
    }
  },
  'meta-encoder': {
    folder: false,
    reads: ['dtype'],
    files({ weights, config }, to, options) {
      const { precision } = precisions[oneDtype(options, precisions) ?? 'f32']
      return onnxFiles(to, metaEncoder(config()), { weights, precision })
    }
  },
  safetensors: {
    folder: false,
    reads: ['dtype'],
    files: (sam, to, options) => [
      {
        path: to,
        chunks: async signal => writeSafetensors(typed(sam, options), { metadata: withConfig(sam), signal })
      }
    ]
  },
  pth: {
    folder: false,
    reads: ['dtype'],
    files: (sam, to, options) => [{ path: to, chunks: async signal => writePth(typed(sam, options), { signal }) }]
  },
  hf: {
    folder: true,
    reads: ['dtype'],
    files(sam, to, options) {
      const model = sam.config()
      if (!isVit(model.imageEncoder))
        throw usage(
          `--format hf needs a ViT, which SamModel of Python's transformers has; ${model.name} has another encoder`
        )
      const weights = typed(sam, options)
      return [
        jsonFile(join(to, 'config.json'), transformersConfig(model)),
        jsonFile(join(to, 'preprocessor_config.json'), transformersPreprocessor(model)),
        {
          path: join(to, 'model.safetensors'),
          // transformers refuses a file that does not say which framework wrote it.
          chunks: async signal =>
            writeSafetensors(renamed(weights, toHuggingFace(weights.names)), {
              metadata: { ...withConfig(sam), format: 'pt' },
              signal
            })
        }
      ]
    }
  }
} as const satisfies Record<string, Format>

const withoutEncoder = (weights: WeightSource): WeightSource =>
  renamed(weights, name => (name.startsWith('image_encoder.') ? undefined : name))

function typed({ weights }: ExportedSam, options: FormatOptions): WeightSource {
  const dtype = oneDtype(options, storedTypes)
  return dtype === undefined ? weights : storedIn(weights, storedTypes[dtype])
}

const withConfig = ({ weights, config }: ExportedSam): Readonly<Record<string, string>> => ({
  ...weights.metadata,
  [configKey]: JSON.stringify(config())
})
