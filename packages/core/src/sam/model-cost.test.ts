import { describe, expect, it } from 'vitest'
import { tinyTest, tinyVitTest, vitB, vitH, vitL } from './config.js'
import { modelCost, type GraphCost } from './model-cost.js'

const giga = (cost: GraphCost): Record<string, number> =>
  Object.fromEntries(cost.parts.map(({ part, flops }) => [part, +(flops / 1e9).toFixed(1)]))

describe('modelCost', () => {
  const b = modelCost(vitB)

  it('equals a count by hand for each part of ViT-B', () => {
    const [tokens, width, heads] = [64 * 64, 768, 12]
    expect(giga(b.imageEncoder)).toEqual({
      'patch embedding': 4.8,
      norms: 0,
      'window attention': 23.6,
      'global attention': 206.2,
      'relative positions': 4.9,
      neck: 6.4,
      'linear layers': 695.8
    })
    const part = (name: string) => b.imageEncoder.parts.find(p => p.part === name)!
    expect(part('linear layers').flops).toBe(2 * 12 * tokens * 12 * width * width)
    expect(part('global attention').flops).toBe(2 * 4 * 2 * heads * tokens ** 2 * (width / heads))
    expect(part('window attention').flops).toBe(2 * 8 * 2 * 25 * heads * 196 ** 2 * (width / heads))
    expect(b.imageEncoder.parts.reduce((sum, p) => sum + p.flops, 0)).toBe(b.imageEncoder.flops)
  })

  it('equals the published sizes, with the decoder under one percent of the encoder', () => {
    const [l, h] = [modelCost(vitL), modelCost(vitH)]
    expect([b, l, h].map(({ imageEncoder }) => +(imageEncoder.flops / 1e9).toFixed(1))).toEqual([941.7, 2850.8, 5666])
    // Meta's counts plus the 256 random frequencies, which are a buffer in PyTorch.
    expect([b, l, h].map(c => c.imageEncoder.parameters + c.maskDecoder.parameters - 256)).toEqual([
      93735472, 312342832, 641090608
    ])
    for (const { decoderShare } of [b, l, h]) expect(decoderShare).toBeLessThan(0.01)
    expect(b.perImage).toBeGreaterThan(0)
    expect(b.perImage).toBeLessThan(b.maskDecoder.flops)
  })

  it('shows the memory saved by fused attention: the score matrix', () => {
    expect(b.imageEncoder.decomposed.largest).toBe('matmul [1,12,4096,4096]')
    expect(b.imageEncoder.decomposed.largestBytes).toBe(4 * 12 * 4096 ** 2)
    expect(b.imageEncoder.fused.largest).toBe('linear [1,64,64,3072]')
    expect(b.imageEncoder.fused.peakBytes).toBeLessThan(b.imageEncoder.decomposed.peakBytes / 10)
  })

  it('names every part of a small model too', () => {
    for (const config of [tinyTest, tinyVitTest]) {
      const { imageEncoder, maskDecoder } = modelCost(config)
      expect([...imageEncoder.parts, ...maskDecoder.parts].map(p => p.part)).not.toContain('other')
    }
  })
})
