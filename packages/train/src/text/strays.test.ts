import { describe, expect, it } from 'vitest'
import type { Dataset, Sample } from '../data/dataset.js'
import type { CropTeacher } from './crop-prompts.js'
import { straysOf } from './strays.js'

const size = 16
/** One thing that fills its picture, which is as bright as `value`. */
const sample = (value: number, about?: { noun: 'star' | 'disc'; color: string }, obscured?: true): Sample => ({
  name: `${value}`, image: { width: size, height: size, data: new Uint8Array(3 * size * size).fill(value) },
  truths: [{ mask: new Uint8Array(size * size).fill(1), ...(about && { about }), ...(obscured && { obscured }) }]
})
const [red, blue, disc] = [{ noun: 'star', color: 'red' }, { noun: 'star', color: 'blue' }, { noun: 'disc', color: 'red' }] as const
const dataOf = (samples: readonly Sample[], source?: Dataset['source']): Dataset => ({ size: samples.length, read: async i => samples[i], ...(source && { source }) })

/** Gives the brightness of a crop's middle, from 0 to 255. */
const clip: CropTeacher = {
  width: 1, config: { vision: { width: 1, depth: 1, heads: 1, mlpWidth: 1, imageSize: 4, patchSize: 4 } },
  embedCropFeeds: async ({ pixel_values: { data, shape } }) => Array.from({ length: shape[0] }, (_, i) => Float32Array.of((data[i * 48 + 5] * 0.26862954 + 0.48145466) * 255))
}
const strays = async (data: Dataset): Promise<number[]> => (await straysOf(data, { clip, seed: 1, crop: { grow: [1, 1], zeroOutside: 0 } })).map(([x]) => Math.round(x))

describe('how like things stray', () => {
  it('is told by pairs of one kind and colour, of different samples', async () => {
    expect(await strays(dataOf([sample(10, red), sample(20, blue), sample(40, disc), sample(80, red), sample(90, red), sample(200, blue)]))).toEqual([70, 10, 180])
  })
  it('is not told by views of one thing, by things hardly seen, or by those of which nothing is said', async () => {
    expect(await strays(dataOf([sample(10, red), sample(11, red), sample(90, red)], i => Math.floor(i / 2)))).toEqual([80])
    expect(await strays(dataOf([sample(10, red), sample(50, red, true), sample(60), sample(90, red)]))).toEqual([80])
    expect(await strays(dataOf([sample(10), sample(20)]))).toEqual([])
  })
  it('passes over what cannot be read', async () => {
    const data = dataOf([sample(10, red), sample(50, red), sample(90, red)])
    expect(await strays({ ...data, read: i => i === 1 ? Promise.reject(new Error('cut short')) : data.read(i) })).toEqual([80])
  })
})
