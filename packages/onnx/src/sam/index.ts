/**
 * `@sam/onnx/sam`: Segment Anything as models that other software runs.
 * @packageDocumentation
 */
export type { ExportedModel } from './exported-model.js'
export { metaDecoder, metaEncoder, type MetaDecoderOptions } from './meta.js'
export {
  transformersConfig,
  transformersDecoder,
  transformersEncoder,
  transformersPreprocessor
} from './transformers.js'
