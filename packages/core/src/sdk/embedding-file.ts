import { refuse, SamError } from '../errors.js'
import { memoryBytes } from '#io'
import type { RgbImage } from '../image/image.js'
import { gridSize, type SamConfig } from '../sam/config.js'
import type { HostTensor } from '../tensor/tensor.js'
import { openSafetensors, writeSafetensors } from '../weights/safetensors.js'
import type { WeightSource } from '../weights/source.js'

/**
 * A saved image embedding: one self-describing safetensors file. It can be computed on one machine (a server with a
 * GPU) and prompted on another (a browser), on any backend.
 *
 * Tensor `image_embedding` f32[1,C,g,g]; metadata below. Increment {@link version} when the format changes.
 */
export interface EmbeddingFile {
  readonly embedding: HostTensor<'f32'>
  /** Size of the photo, in pixels. */
  readonly width: number
  readonly height: number
  /** Fingerprint of the photo's pixels. */
  readonly image: string
  /** Fingerprint of the image encoder's weights. */
  readonly encoder: string
}

const format = 'sam-image-embedding'
const version = '2'

/** Description of the preprocessing; a saved embedding must match it. */
const preprocessing = ({ imageSize }: SamConfig): string =>
  `longest side ${imageSize}, Pillow bilinear, ImageNet mean and deviation, padded right and bottom`

/**
 * What an embedding depends on besides the photo and the encoder: the version of the file and the preprocessing. Part
 * of the key wherever embeddings are kept.
 */
export const embeddingFormat = (config: SamConfig): string => `${format} ${version}: ${preprocessing(config)}`

/** The file's bytes. */
export async function writeEmbedding(
  { embedding, width, height, image, encoder }: EmbeddingFile,
  config: SamConfig
): Promise<Uint8Array> {
  const metadata = {
    format,
    version,
    preprocessing: preprocessing(config),
    width: String(width),
    height: String(height),
    image,
    encoder,
    model: config.name
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of writeSafetensors({ image_embedding: embedding }, { metadata })) chunks.push(chunk)
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer())
}

/**
 * Reads and validates a saved embedding. Throws `InputError` `E_BAD_EMBEDDING` if it is not one, or does not match the
 * model, the preprocessing or the image.
 */
export async function readEmbedding(
  bytes: Uint8Array,
  { config, encoder, image }: { config: SamConfig; encoder: string | undefined; image?: string | undefined }
): Promise<EmbeddingFile> {
  let file: WeightSource
  try {
    file = await openSafetensors(memoryBytes(bytes, 'embedding'))
  } catch (cause) {
    if (!SamError.is(cause)) throw cause
    refuse('E_BAD_EMBEDDING', `saved embedding: must be a file written by EncodedImage.save: ${cause.message}`)
  }
  const metadata = file.metadata
  if (metadata.format !== format)
    refuse('E_BAD_EMBEDDING', `saved embedding: format must be '${format}', found ${JSON.stringify(metadata.format)}`)
  if (metadata.version !== version)
    refuse(
      'E_BAD_EMBEDDING',
      `saved embedding: version must be ${version}, found ${JSON.stringify(metadata.version)}; encode the photo again`
    )
  const [width, height] = [Number(metadata.width), Number(metadata.height)]
  if (![width, height].every(n => Number.isInteger(n) && n > 0 && n < 2 ** 24))
    refuse(
      'E_BAD_EMBEDDING',
      `saved embedding: must record the photo's size, found ${metadata.width}×${metadata.height}`
    )
  if (metadata.preprocessing !== preprocessing(config))
    refuse(
      'E_BAD_EMBEDDING',
      `saved embedding: preprocessing must be '${preprocessing(config)}', found '${metadata.preprocessing}'`
    )
  if (encoder !== undefined && metadata.encoder !== encoder)
    refuse(
      'E_BAD_EMBEDDING',
      `saved embedding: must be of the loaded image encoder, ${config.name} (${encoder}), found another image encoder, ${metadata.model} (${metadata.encoder}); encode the photo again`
    )
  if (image !== undefined && metadata.image !== image)
    refuse('E_BAD_EMBEDDING', 'saved embedding: must be of the given photo, found another photo; encode this one')
  const g = gridSize(config)
  const shape = [1, config.width, g, g]
  if (!file.has('image_embedding') || `${file.info('image_embedding').shape}` !== `${shape}`) {
    refuse(
      'E_BAD_EMBEDDING',
      `saved embedding: must contain image_embedding [${shape}], found ${file.names.map(name => `${name} [${file.info(name).shape}]`).join(', ') || 'nothing'}`
    )
  }
  const embedding = await file.read('image_embedding')
  if (!embedding.data.every(Number.isFinite))
    refuse('E_BAD_EMBEDDING', 'saved embedding: values must be finite; the file is damaged')
  return { embedding, width, height, image: metadata.image ?? '', encoder: metadata.encoder ?? '' }
}

/** Fingerprint of a photo's pixels. */
export const imageFingerprint = ({ width, height, data }: RgbImage): Promise<string> =>
  sha256([new TextEncoder().encode(`${width}×${height}`), data])

/** Prefix of the names of the image encoder's weights. */
export const encoderNames = 'image_encoder.'

/** Bytes of each tensor in a fingerprint. Reading all of a ViT-H would take as long as loading it. */
const fingerprintedBytes = 4096

/**
 * Fingerprint of the image encoder's weights: names, types, shapes and the first {@link fingerprintedBytes} of every
 * tensor. That covers all norms and biases, and some rows of each matrix, so that it also distinguishes merged low-rank
 * updates. Undefined if there is no encoder.
 */
export async function encoderFingerprint(weights: WeightSource): Promise<string | undefined> {
  const names = weights.names.filter(name => name.startsWith(encoderNames)).sort()
  if (!names.length) return undefined
  const parts: Uint8Array[] = []
  for (const name of names) {
    const { dtype, shape } = weights.info(name)
    parts.push(new TextEncoder().encode(`${name} ${dtype}[${shape}]`), await weights.head(name, fingerprintedBytes))
  }
  return sha256(parts)
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await new Blob([...parts] as BlobPart[]).arrayBuffer())
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
}
