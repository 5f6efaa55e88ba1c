import type { Backend } from '../src/backend/backend.js'
import { paramsOf, type Graph } from '../src/ir/graph.js'
import { nameOf } from '../src/ir/value.js'
import { tinyVitTest } from '../src/sam/config.js'
import { encodeImage } from '../src/sam/graphs.js'
import { f32, type HostTensor } from '../src/tensor/tensor.js'
import { hashFill, hashWeights } from '../src/weights/hash-fill.js'
import { openWeights } from '../src/weights/open.js'

/** The seed and the range of the image are those of tools/reference/mobile.py. */
const seed = 2023
const inputRange = 100

/** The image of the fixture. */
export const tinyVitImage = (): HostTensor<'f32'> => {
  const shape = [1, 3, tinyVitTest.imageSize, tinyVitTest.imageSize]
  return f32(
    shape,
    hashFill({ name: 'image', shape }, seed).map(v => inputRange * v)
  )
}

/** The encoder with each stage as an output. */
export const tinyVitGraph = (): Graph => encodeImage(tinyVitTest, { blocks: true })

/** Hash-filled weights, as in the fixture. */
export const tinyVitWeights = () =>
  hashWeights(
    paramsOf(tinyVitGraph()).map(p => ({ name: nameOf(p)!, shape: p.shape })),
    seed
  )

/**
 * Compares each stage and the embedding with those of the public PyTorch code (fixtures/tiny-vit-io, which has every
 * seventh element). Throws an `Error` that names the output. In Node and in a page, where `/fixtures` is served.
 */
export async function checkTinyVitOutputs(outputs: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
  const io = await openWeights(new URL('../../../fixtures/tiny-vit-io.safetensors', import.meta.url))
  try {
    for (const name of new Set([...io.names, ...Object.keys(outputs)])) {
      const expected = (await io.read(name)).data
      const found = outputs[name]
      const worst = expected.reduce((most, v, i) => Math.max(most, Math.abs(v - (found?.[7 * i] ?? NaN))), 0)
      if (!(worst < 2e-5) || Math.ceil(found.length / 7) !== expected.length)
        throw new Error(`TinyViT: ${name} must be within 2e-5 of PyTorch's, found ${worst}`)
    }
  } finally {
    await io.close()
  }
}

/** Runs the encoder on a backend, and compares it with PyTorch's results. */
export async function checkTinyVit(backend: Backend): Promise<void> {
  const executable = await backend.compile(tinyVitGraph(), tinyVitWeights())
  const outputs = await executable.run({ image: tinyVitImage() })
  const found: Record<string, ArrayLike<number>> = {}
  for (const [name, tensor] of Object.entries(outputs)) {
    found[name] = (await tensor.read()).data
    tensor.dispose()
  }
  executable.dispose()
  await checkTinyVitOutputs(found)
}
