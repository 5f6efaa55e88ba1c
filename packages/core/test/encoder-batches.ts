import type { Backend } from '../src/backend/backend.js'
import { paramsOf } from '../src/ir/graph.js'
import { nameOf } from '../src/ir/value.js'
import { tinyTest, tinyVitTest, type SamConfig } from '../src/sam/config.js'
import { encodeImage } from '../src/sam/graphs.js'
import { f32 } from '../src/tensor/tensor.js'
import { hashFill, hashWeights } from '../src/weights/hash-fill.js'
import { maxDifference } from './tiny-io.js'

/**
 * Compares the image encoder of two images per run with that of one, for both kinds of encoders. Throws an `Error`
 * where embeddings differ by more than 1e-5 of the largest value.
 */
export async function checkEncoderBatches(backend: Backend): Promise<void> {
  for (const config of [tinyTest, tinyVitTest]) {
    const side = config.imageSize
    const shape = [2, 3, side, side]
    const images = hashFill({ name: 'image', shape }, 5).map(v => 100 * v)
    const both = await encode(backend, config, { images: 2, data: images })
    const size = 3 * side * side
    for (const i of [0, 1]) {
      const alone = await encode(backend, config, { images: 1, data: images.slice(i * size, (i + 1) * size) })
      const largest = alone.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      const part = both.subarray(i * alone.length, (i + 1) * alone.length)
      const difference = maxDifference(part, alone) / largest
      if (!(difference <= 1e-5))
        throw new Error(`${config.name}: image ${i} of a batch differs by ${difference} of the largest value`)
    }
  }
}

async function encode(
  backend: Backend,
  config: SamConfig,
  { images, data }: { readonly images: number; readonly data: Float32Array<ArrayBuffer> }
): Promise<Float32Array> {
  const graph = encodeImage(config, { images })
  const params = paramsOf(graph).map(p => ({ name: nameOf(p)!, shape: p.shape }))
  const encoder = await backend.compile(graph, hashWeights(params, 3))
  try {
    const image = f32([images, 3, config.imageSize, config.imageSize], data)
    const { image_embedding: embedding } = await encoder.run({ image })
    try {
      return (await embedding.read()).data as Float32Array
    } finally {
      embedding.dispose()
    }
  } finally {
    encoder.dispose()
  }
}
