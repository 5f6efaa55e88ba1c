import { describe, expect, it } from 'vitest'
import type { RgbImage } from '@sam/core'
import { InputError } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { initialParams } from '../pretrained/init.js'
import { testRun } from '../../test/test-recipe.js'
import { trainer, type Trainer } from '../trainer.js'
import { checkSample } from './check-sample.js'
import type { Dataset, Sample } from './dataset.js'
import { scenes } from '@sam/scenes'

const good = await scenes({ size: 64, seed: 1, minArea: 60 }).read(0)
const masks = (...all: Uint8Array[]): Sample => ({ ...good, truths: all.map(mask => ({ mask })) })
const image = (changed: Partial<Record<keyof RgbImage, unknown>>): Sample => ({
  ...good,
  image: { ...good.image, ...changed } as RgbImage
})

/** Samples and errors of a data set that training cannot use. */
const unfit: Readonly<Record<string, Sample | Error>> = {
  'no mask': masks(),
  'an empty mask': masks(new Uint8Array(64 * 64)),
  'a mask over more than 90% of the image': masks(new Uint8Array(64 * 64).fill(1)),
  'a mask of one pixel': masks(new Uint8Array(64 * 64).fill(1, 70, 71)),
  'a mask of another size': masks(good.truths[0].mask, new Uint8Array(63 * 64).fill(1, 0, 900)),
  'pixels that may be NaN': image({ data: new Float32Array(3 * 64 * 64).fill(NaN) }),
  'too few pixels': image({ data: new Uint8Array(3 * 64 * 63) }),
  'no size': image({ width: NaN }),
  'a file that cannot be read': new InputError('E_BAD_IMAGE', 'sa_1.json: it is not valid JSON')
}
const from = (list: readonly (Sample | Error)[]): Dataset => ({
  size: Infinity,
  async read(i) {
    const found = list[i % list.length]
    if (found instanceof Error) throw found
    return found
  }
})
const start = (data: Dataset): Promise<Trainer> =>
  trainer({
    recipe: { ...testRun, objects: 1 },
    data,
    backend: referenceBackend(),
    seed: 3,
    state: initialParams(testRun.config, 5)
  })

describe('unusable samples', () => {
  it('are skipped and counted', async () => {
    const t = await start(from([...Object.values(unfit), good]))
    const report = await t.trainStep()
    expect(report.skipped).toBe(Object.keys(unfit).length)
    expect(report.loss).toBeGreaterThan(0)
    t.dispose()
  })

  it('end the run with the reason if there are no others', async () => {
    const t = await start(from([unfit['a file that cannot be read']]))
    await expect(t.trainStep()).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('the last: sa_1.json: it is not valid JSON') as string
    })
    expect(t.iteration).toBe(0)
    t.dispose()
  })

  it('differ from programming errors, which are rethrown', async () => {
    const t = await start(from([new TypeError('read is not a function')]))
    await expect(t.trainStep()).rejects.toThrow(TypeError)
    t.dispose()
  })

  it('are named in messages', () => {
    const messages = ['a mask of another size', 'pixels that may be NaN', 'too few pixels', 'no size'].map(name => {
      try {
        checkSample({ ...(unfit[name] as Sample), name: 'cat.png' })
        return 'accepted'
      } catch (error) {
        return (error as Error).message
      }
    })
    expect(messages).toMatchInlineSnapshot(`
      [
        "cat.png: a mask must have one value per pixel of its 64 × 64 image, found 4032 in mask 1",
        "cat.png: an image of 64 × 64 must have 12288 bytes, RGB, found [object Float32Array]",
        "cat.png: an image of 64 × 64 must have 12288 bytes, RGB, found 12096",
        "cat.png: an image must have integer sides from 1, found NaN × 64",
      ]
    `)
    expect(() => checkSample(good)).not.toThrow()
  })
})
