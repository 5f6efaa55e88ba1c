import { clipConfigJson, parseClipConfig, type ClipConfig } from '@sam/clip'
import { f32, type HostTensor } from '@sam/core/graph'
import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { clipTiny, clipTinyFine } from '../contrastive/recipe.js'
import { resampleClip } from './clip.js'
import { clipShapes, initialClip, patchesName, positionsName } from '../contrastive/step.js'

const coarse: ClipConfig = {
  ...clipTiny.config,
  projection: 4,
  text: { ...clipTiny.config.text, width: 8, depth: 1, heads: 2, mlpWidth: 16 },
  vision: { width: 8, depth: 1, heads: 2, mlpWidth: 16, imageSize: 16, patchSize: 8 }
}
const fine: ClipConfig = { ...coarse, vision: { ...coarse.vision, patchSize: 4 } }

describe('resampleClip', () => {
  const params = initialClip(coarse, 1)
  const next = resampleClip(params, coarse, fine)

  it('changes positions and patch embedding alone', () => {
    expect(new Map(Object.entries(next).map(([name, { shape }]) => [name, shape]))).toEqual(clipShapes(fine))
    expect(
      Object.keys(next)
        .filter(name => next[name] !== params[name])
        .sort()
    ).toEqual([patchesName, positionsName].sort())
    expect(next[positionsName].data.slice(0, 8)).toEqual(params[positionsName].data.slice(0, 8))
  })
  it('gives for a patch what the original gives for the patch enlarged', () => {
    const pixels = Array.from({ length: 3 * 4 * 4 }, (_, i) => createRng(i).normal()) // [3, 4, 4]
    const response = ({ data, shape: [, , side] }: HostTensor, k: number): number => {
      const pixel = (i: number): number =>
        pixels[
          (Math.floor(i / side ** 2) * 4 + Math.floor(((Math.floor(i / side) % side) * 4) / side)) * 4 +
            Math.floor(((i % side) * 4) / side)
        ]
      return Array.from({ length: 3 * side ** 2 }, (_, i) => Number(data[k * 3 * side ** 2 + i]) * pixel(i)).reduce(
        (a, b) => a + b
      )
    }
    for (let k = 0; k < 8; k++) expect(response(next[patchesName], k)).toBeCloseTo(response(params[patchesName], k), 5)
  })
  it('interpolates positions', () => {
    const slope = f32(
      [5, 8],
      Float32Array.from({ length: 40 }, (_, i) => (i < 8 ? 7 : Math.floor((i - 8) / 8) % 2))
    ) // 7 for the class token, then the column: 0 and 1
    const { data } = resampleClip({ ...params, [positionsName]: slope }, coarse, fine)[positionsName]
    expect(Array.from({ length: 17 }, (_, i) => data[i * 8])).toEqual([
      7,
      ...Array.from({ length: 4 }, () => [0, 0.25, 0.75, 1]).flat()
    ])
  })
  it('returns the same patch size unchanged, and refuses another model', () => {
    expect(resampleClip(params, coarse, coarse)).toBe(params)
    expect(resampleClip(params, parseClipConfig(clipConfigJson(coarse)), fine)).toEqual(next)
    for (const [from, to] of [
      [fine, coarse],
      [clipTiny.config, fine],
      [coarse, clipTinyFine.config]
    ] as const)
      expect(() => resampleClip(params, from, to)).toThrow('larger patches')
  })
})
