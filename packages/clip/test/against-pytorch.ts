import type { Backend } from '@sam/core'
import { f32, tensor, type Feeds, type Graph } from '@sam/core/graph'
import { encodeCrops, encodeText } from '../src/index.js'
import { tinyClip, tinyIo, tinyWeights } from './tiny-clip.js'

/** The largest difference of each embedding of the tiny CLIP from PyTorch's, on a backend. */
export async function differences(backend: Backend): Promise<Record<string, number>> {
  const [io, weights] = [await tinyIo(), tinyWeights()]
  const run = async (graph: Graph, feeds: Feeds, expected: string, row = 0): Promise<number> => {
    const executable = await backend.compile(graph, weights)
    const outputs = await executable.run(feeds)
    const [{ data }] = await Promise.all(Object.values(outputs).map(output => output.read()))
    for (const output of Object.values(outputs)) output.dispose()
    executable.dispose()
    const wanted = (await io.read(expected)).data.subarray(row * tinyClip.projection).subarray(0, data.length)
    return wanted.length === data.length
      ? wanted.reduce((worst, value, i) => Math.max(worst, Math.abs(value - data[i])), 0)
      : Infinity
  }
  const ids = (await io.read('input_ids')).data
  const [texts, tokens] = io.info('input_ids').shape as [number, number]
  const ends = Array.from({ length: texts }, (_, i) =>
    ids.subarray(i * tokens, (i + 1) * tokens).indexOf(tinyClip.text.end)
  )
  // The shortest text, alone and cut off after its end.
  const [shortest] = [...ends.keys()].sort((a, b) => ends[a] - ends[b])
  const cut = ids.subarray(shortest * tokens, shortest * tokens + ends[shortest] + 1)
  const pixels = await io.read('pixel_values')
  const patches = f32([1, 16], (await io.read('mask_patches')).data)
  return {
    text: await run(encodeText(tinyClip, { texts }), { input_ids: tensor('i32', [texts, tokens], ids) }, 'text_embeds'),
    'one text, cut after its end': await run(
      encodeText(tinyClip, { texts: 1, tokens: cut.length }),
      { input_ids: tensor('i32', [1, cut.length], cut) },
      'text_embeds',
      shortest
    ),
    image: await run(encodeCrops(tinyClip, { images: 1 }), { pixel_values: pixels }, 'image_embeds'),
    'image, everything inside the mask': await run(
      encodeCrops(tinyClip, { images: 1, masked: true }),
      {
        pixel_values: pixels,
        mask_patches: f32(
          [1, 16],
          patches.data.map(() => 1)
        )
      },
      'image_embeds'
    ),
    'image, masked': await run(
      encodeCrops(tinyClip, { images: 1, masked: true }),
      { pixel_values: pixels, mask_patches: patches },
      'image_embeds_masked'
    )
  }
}
