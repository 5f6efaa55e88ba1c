import type { Backend } from '../src/backend/backend.js'
import { paramsOf } from '../src/ir/graph.js'
import { nameOf } from '../src/ir/value.js'
import { tinyTest, tinyVitTest, type SamConfig } from '../src/sam/config.js'
import { decodeMasks, encodeImage } from '../src/sam/graphs.js'
import { loadSam } from '../src/sdk/load.js'
import { hashWeights } from '../src/weights/hash-fill.js'
import { maxDifference } from './tiny-io.js'

const pictures = [0, 1, 2].map(n => ({
  width: 40 + 9 * n,
  height: 33,
  data: Uint8Array.from({ length: (40 + 9 * n) * 33 * 3 }, (_, i) => (i * (7 + n) + 31 * n) % 256)
}))

/**
 * Compares `encodeAll` in batches with `encode`, for both kinds of image encoders. Throws an `Error` where embeddings
 * differ by more than 1e-5 of the largest value.
 */
export async function checkEncodeAll(backend: Backend): Promise<void> {
  for (const config of [tinyTest, tinyVitTest]) {
    const sam = await loadSam(weightsOf(config), { model: config, backend })
    try {
      const alone: Float32Array[] = []
      for (const picture of pictures) {
        using image = await sam.encode(picture)
        alone.push((await image.embedding()).data)
      }
      let n = 0
      for await (const { image, error } of sam.encodeAll(pictures, { batchSize: 2 })) {
        if (error) throw error
        using encoded = image
        const largest = alone[n].reduce((most, x) => Math.max(most, Math.abs(x)), 0)
        const found = maxDifference((await encoded.embedding()).data, alone[n]) / largest
        if (!(found <= 1e-5)) throw new Error(`${config.name}: image ${n} differs by ${found} of the largest value`)
        n++
      }
      if (n !== pictures.length) throw new Error(`${config.name}: must give ${pictures.length} images, gave ${n}`)
    } finally {
      await sam.dispose()
    }
  }
}

const weightsOf = (config: SamConfig) =>
  hashWeights(
    [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })]
      .flatMap(paramsOf)
      .map(p => ({ name: nameOf(p)!, shape: p.shape })),
    3
  )
