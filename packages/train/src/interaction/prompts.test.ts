import { describe, expect, it } from 'vitest'
import { isAmbiguous, pointLabels } from '@sam/core/model'
import { firstPrompt, nextPrompt, plan } from './prompts.js'
import { jitteredBox } from './boxes.js'
import { clickOnError } from './error-region.js'
import { boundsOf } from './plane.js'
import { pointInMask } from './points.js'
import { createRng } from '@sam/rng'

/** A disc beside a bar, 64 × 48. */
const truth = {
  width: 64,
  height: 48,
  data: Uint8Array.from({ length: 64 * 48 }, (_, i) =>
    Math.hypot((i % 64) - 20, Math.floor(i / 64) - 20) < 12 || (i % 64 > 50 && i > 64 * 30) ? 1 : 0
  )
}
const area = truth.data.reduce((a, b) => a + b, 0)
const logits = (inside: (x: number, y: number) => boolean): Float32Array =>
  Float32Array.from(truth.data, (_, i) => (inside(i % 64, Math.floor(i / 64)) ? 3 : -3))

/** χ² of counts that should be equal, over its degrees of freedom: near 1. */
const chi = (counts: readonly number[]): number => {
  const mean = counts.reduce((a, b) => a + b) / counts.length
  return counts.reduce((s, n) => s + (n - mean) ** 2 / mean, 0) / (counts.length - 1)
}

describe('points', () => {
  it('pointInMask: samples uniformly in the mask', () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 20 * area; i++) {
      const [x, y] = pointInMask(createRng(7, i), truth)!
      counts.set(y * 64 + x, (counts.get(y * 64 + x) ?? 0) + 1)
    }
    expect([...counts.keys()].every(at => truth.data[at])).toBe(true)
    expect(counts.size).toBe(area)
    expect(chi([...counts.values()])).toBeGreaterThan(0.75)
    expect(chi([...counts.values()])).toBeLessThan(1.25)
  })
  it('pointInMask: returns undefined for an empty mask', () =>
    expect(pointInMask(createRng(1), { width: 2, height: 2, data: new Uint8Array(4) })).toBeUndefined())
})

describe('boxes', () => {
  const square = (side: number, size: number) => ({
    width: size,
    height: size,
    data: Uint8Array.from({ length: size * size }, (_, i) => {
      const [x, y] = [(i % size) - size / 2 + side / 2, Math.floor(i / size) - size / 2 + side / 2]
      return x >= 0 && x < side && y >= 0 && y < side ? 1 : 0
    })
  })
  const noise = (side: number, pixel: number): number[] => {
    const mask = square(side, 400)
    const exact = boundsOf(mask)!
    const rng = createRng(3, side)
    return Array.from({ length: 250 }, () => jitteredBox(rng, mask, pixel)!.map((v, i) => v - exact[i])).flat()
  }
  it('has noise of a tenth of the side', () => {
    const offsets = noise(60, 1)
    const deviation = Math.sqrt(offsets.reduce((s, v) => s + v * v, 0) / offsets.length)
    expect(deviation).toBeGreaterThan(5.6)
    expect(deviation).toBeLessThan(6.4)
    expect(Math.abs(offsets.reduce((a, b) => a + b) / offsets.length)).toBeLessThan(0.6)
  })
  it('limits the noise to 20 pixels of the input', () => {
    expect(Math.max(...noise(300, 1).map(Math.abs))).toBe(20)
    expect(Math.max(...noise(300, 4).map(Math.abs))).toBe(5)
  })
  it('adds independent normal noise to each coordinate, relative to its side', () => {
    const [width, height] = [100, 40]
    const mask = { width: 400, height: 400, data: new Uint8Array(400 * 400) }
    for (let y = 200; y < 200 + height; y++) mask.data.fill(1, y * 400 + 150, y * 400 + 150 + width)
    const exact = boundsOf(mask)!
    const n = 600
    const rng = createRng(21)
    const offsets = Array.from({ length: n }, () =>
      jitteredBox(rng, mask)!.map((v, i) => (v - exact[i]) / (i % 2 ? height : width))
    )
    for (const i of [0, 1, 2, 3]) {
      const column = offsets.map(m => m[i])
      const deviation = Math.sqrt(column.reduce((s, v) => s + v * v, 0) / n)
      // Vertically 20 pixels are five deviations, horizontally two: clipping there leaves 0.96 of the spread.
      const expected = i % 2 ? 0.1 : 0.096
      expect(Math.abs(deviation - expected), `coordinate ${i}`).toBeLessThan(0.012)
      expect(Math.abs(column.reduce((a, b) => a + b) / n), `mean ${i}`).toBeLessThan(0.016)
      expect(
        Math.abs(column.filter(v => Math.abs(v) < 0.1).length / n - 0.6827),
        `within one deviation ${i}`
      ).toBeLessThan(0.08)
      for (let j = 0; j < i; j++) {
        const correlation = offsets.reduce((s, m) => s + m[i] * m[j], 0) / n / 0.1 ** 2
        expect(Math.abs(correlation), `${i} with ${j}`).toBeLessThan(0.17)
      }
    }
  })
  it('clips at 20 pixels as often as a normal of 10% of the side exceeds it', () => {
    const offsets = noise(300, 1) // 20 pixels are two thirds of a deviation: P(|z| > 2/3) = 0.505
    const cut = offsets.filter(v => Math.abs(v) === 20).length / offsets.length
    expect(Math.abs(cut - 0.505)).toBeLessThan(0.06)
    expect(Math.abs(offsets.filter(v => v === 20).length / offsets.length - cut / 2)).toBeLessThan(0.05)
  })
  it('stays inside the plane', () => {
    const rng = createRng(5)
    for (let i = 0; i < 30; i++)
      for (const v of jitteredBox(rng, square(398, 400))!) expect(v >= 0 && v <= 399).toBe(true)
  })
})

describe('clickOnError', () => {
  it('samples uniformly in the error region, foreground for misses, background for false positives', () => {
    const predicted = logits((x, y) => Math.hypot(x - 26, y - 20) < 12)
    let [missed, beyond] = [0, 0]
    predicted.forEach((v, i) => {
      if (v > 0 !== truth.data[i] > 0)
        if (truth.data[i]) missed++
        else beyond++
    })
    const rng = createRng(11)
    const n = 12 * (missed + beyond)
    const counts = new Map<number, number>()
    let foreground = 0
    for (let i = 0; i < n; i++) {
      const click = clickOnError(rng, predicted, truth)!
      const at = click.y * 64 + click.x
      expect(predicted[at] > 0).not.toBe(truth.data[at] > 0)
      expect(click.foreground).toBe(truth.data[at] === 1)
      if (click.foreground) foreground++
      counts.set(at, (counts.get(at) ?? 0) + 1)
    }
    expect(counts.size).toBe(missed + beyond)
    expect(chi([...counts.values()])).toBeGreaterThan(0.75)
    expect(chi([...counts.values()])).toBeLessThan(1.25)
    expect(Math.abs(foreground / n - missed / (missed + beyond))).toBeLessThan(0.02)
  })
  it('samples in the mask if there is no error', () => {
    expect(
      clickOnError(
        createRng(1),
        logits((x, y) => truth.data[y * 64 + x] === 1),
        truth
      )
    ).toMatchObject({ foreground: true })
  })
})

describe('interaction prompts', () => {
  it('plan: has a first prompt, eight clicks and two steps without a click, the last of them at the end', () => {
    const positions = new Array<number>(9).fill(0)
    for (let i = 0; i < 1800; i++) {
      const rounds = plan(createRng(2, i), { clicks: 8, maskRounds: true })
      expect(rounds).toHaveLength(11)
      expect([rounds[0], rounds[10], rounds.filter(r => r === 'click').length]).toEqual(['first', 'mask', 8])
      positions[rounds.indexOf('mask') - 1]++
    }
    expect(chi(positions)).toBeLessThan(2.5)
  })
  it('firstPrompt: is a box or a point, equally likely', () => {
    const labels = Array.from({ length: 4000 }, (_, i) => firstPrompt(createRng(9, i), truth)!.points.map(p => p.label))
    const boxes = labels.filter(l => l.length === 2)
    expect(boxes.every(([a, b]) => a === pointLabels.topLeft && b === pointLabels.bottomRight)).toBe(true)
    expect(labels.every(l => l.length === 2 || (l.length === 1 && l[0] === pointLabels.foreground))).toBe(true)
    expect(Math.abs(boxes.length / 4000 - 0.5)).toBeLessThan(0.03)
  })
  it('nextPrompt: takes the logits with the highest predicted IoU and clicks on their error', () => {
    const prompt = { points: [{ x: 20, y: 20, label: pointLabels.foreground }], mask: undefined }
    const masks = [logits(() => true), logits(() => false).map(v => v / 7), logits(() => true)]
    const next = nextPrompt(createRng(1), {
      prompt,
      truth,
      predicted: { logits: masks, iou: [0.2, 0.9, 0.5] },
      round: 'click'
    })
    expect(next.mask).toBe(masks[1])
    expect(next.points).toHaveLength(2)
    expect(next.points[1].label).toBe(pointLabels.foreground)
    expect(
      nextPrompt(createRng(1), { prompt, truth, predicted: { logits: masks, iou: [0.2, 0.9, 0.5] }, round: 'mask' })
        .points
    ).toEqual(prompt.points)
  })
  it('isAmbiguous: holds for the first prompt alone', () => {
    const rng = createRng(4)
    const first = firstPrompt(rng, truth)!
    expect(isAmbiguous(first)).toBe(true)
    const predicted = { logits: [logits(() => true)], iou: [1] }
    expect(isAmbiguous(nextPrompt(rng, { prompt: first, truth, predicted, round: 'click' }))).toBe(false)
    expect(isAmbiguous(nextPrompt(rng, { prompt: first, truth, predicted, round: 'mask' }))).toBe(false)
  })
})
