import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadSam, type Backend, type EncodedImage, type Prompt, type Sam } from '@sam/core'
import { cpu } from '@sam/backend-cpu'
import { tinyTest } from '../../core/src/sam/config.js'
import { fixturePath, maxDifference, openFixture } from '../../core/test/tiny-io.js'

let backend: Backend
let sam: Sam
let image: EncodedImage
beforeAll(async () => {
  backend = await cpu()
  sam = await loadSam({ weights: fixturePath('tiny-checkpoint.pth'), model: tinyTest, backend })
  const io = await openFixture('tiny-io.safetensors')
  image = await sam.encode({ width: 150, height: 100, data: await io.bytes('image') })
  await io.close()
})
afterAll(async () => {
  image.dispose()
  await sam.dispose()
  backend.dispose()
})

it('a list of 1,024 prompts, among them one of 1,024 points, gives the same masks in order as each alone', async () => {
  const prompts: Prompt[] = Array.from({ length: 1024 }, (_, i) => ({
    box: [i % 50, i % 30, 60 + (i % 90), 50 + (i % 50)]
  }))
  prompts[100] = { points: Array.from({ length: 1024 }, (_, i) => ({ x: i % 150, y: i % 100 })) }
  const together = await image.predict(prompts, { best: true })
  expect(together).toHaveLength(1024)
  for (const i of [0, 63, 64, 99, 100, 101, 500, 1023]) {
    const alone = await image.predict(prompts[i], { best: true })
    expect(together[i].tokenIndices, `${i}`).toEqual(alone.tokenIndices)
    expect(maxDifference(together[i].masks[0].lowResLogits!, alone.masks[0].lowResLogits!), `${i}`).toBeLessThan(1e-4)
  }
})

it('an abort ends a list between two decodes', async () => {
  const abort = new AbortController()
  let runs = 0
  // Runs without their signal, so that what ends the call is the check between decodes.
  const unaware: Backend = {
    ...backend,
    async compile(...args) {
      const executable = await backend.compile(...args)
      return {
        ...executable,
        async run(feeds) {
          if (runs++ > 0 && 'point_coords' in feeds) abort.abort(new Error('enough'))
          return executable.run(feeds)
        }
      }
    }
  }
  const own = await loadSam({ weights: fixturePath('tiny-checkpoint.pth'), model: tinyTest, backend: unaware })
  const encoded = await own.encode({ width: 150, height: 100, data: new Uint8Array(150 * 100 * 3) })
  const prompts: Prompt[] = Array.from({ length: 200 }, () => ({ box: [10, 10, 90, 60] }))
  await expect(encoded.predict(prompts, { signal: abort.signal })).rejects.toThrow('enough')
  expect(runs).toBe(3) // the encoder, what depends on the image alone, and the first of four decodes
  encoded.dispose()
  await own.dispose()
})
