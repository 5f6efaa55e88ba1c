import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFixture } from '../../test/fixture.js'
import { frameOf, type Frame } from '../image/frame.js'
import { maskPromptLogits, type MaskPrompt } from '../prompts/mask-prompt.js'
import { handMadeLogit } from './bitmap-logits.js'
import { Mask, type MaskJson } from './mask.js'

const io = readFixture('tiny-io')
const { prompts } = JSON.parse(readFileSync(new URL('../../../../fixtures/tiny-io.json', import.meta.url), 'utf8')) as {
  prompts: Record<string, Record<'multi' | 'single', { areas: number[] }>>
}
const frame = frameOf({ width: 150, height: 100 }, 128)
const plane = 32 * 32
const predicted = (name: string, token: number) =>
  new Mask({
    lowResLogits: io.f32(`${name}/low_res_all`).data.slice(token * plane, (token + 1) * plane),
    frame,
    predictedIou: 0.5
  })

/** A mask of a smooth pseudo-random function, at any size. */
function blob(width: number, height: number): Mask {
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.sin(((i % width) / width) * 9) * Math.cos((Math.floor(i / width) / height) * 7) > 0.1 ? 1 : 0
  )
  return Mask.fromBitmap({ width, height, data })
}

const iou = (a: Uint8Array, b: Uint8Array) => {
  let [both, either] = [0, 0]
  a.forEach((v, i) => {
    both += v & b[i]
    either += v | b[i]
  })
  return both / either
}

describe('a predicted mask', () => {
  it.each(Object.keys(prompts))("has Meta's logits and areas at the photo's size: %s", name => {
    for (const [kind, tokens] of [
      ['multi', [1, 2, 3]],
      ['single', [0]]
    ] as const) {
      const expected = io.f32(`${name}/${kind}/logits`).data
      tokens.forEach((token, k) => {
        const mask = predicted(name, token)
        const logits = mask.logits()
        expect(logits.length).toBe(150 * 100)
        expect(logits.reduce((worst, v, i) => Math.max(worst, Math.abs(v - expected[k * 15_000 + i])), 0)).toBeLessThan(
          1e-5
        )
        expect(mask.area).toBe(prompts[name][kind].areas[k])
      })
    }
  })

  it('thresholds its logits to a bitmap, and caches it', () => {
    const mask = new Mask({
      lowResLogits: io.f32('point/low_res_all').data.slice(0, plane),
      frame,
      predictedIou: 0.5,
      threshold: 0.3
    })
    const logits = mask.logits()
    expect([...mask.bitmap()]).toEqual([...logits].map(v => (v > Math.fround(0.3) ? 1 : 0)))
    expect(mask.bitmap()).toBe(mask.bitmap())
  })

  it('computes the stability score as Meta does', () => {
    const mask = predicted('point', 1)
    const logits = mask.logits()
    const above = (t: number) => logits.reduce((n, v) => n + (v > t ? 1 : 0), 0)
    expect(mask.stability()).toBeCloseTo(above(1) / above(-1), 12)
    expect(mask.stability(0.25)).toBeCloseTo(above(0.25) / above(-0.25), 12)
    expect(new Mask({ lowResLogits: new Float32Array(plane).fill(-9), frame, predictedIou: 0 }).stability()).toBe(0)
  })

  it('returns its own logits as a prompt only in the same frame', () => {
    const mask = predicted('box', 2)
    expect(mask.promptLogits({ ...frame }, 32)).toBe(mask.lowResLogits)
    expect(mask.promptLogits(frameOf({ width: 150, height: 100 }, 256), 64)).toHaveLength(64 * 64)
    expect(() => mask.promptLogits(frameOf({ width: 100, height: 150 }, 128), 32)).toThrow(
      expect.objectContaining({ code: 'E_BAD_PROMPT' })
    )
  })

  it('supports photos one pixel wide or high', () => {
    for (const [width, height] of [
      [1, 700],
      [700, 1],
      [1, 1]
    ] as const) {
      const thin = new Mask({
        lowResLogits: new Float32Array(plane).fill(2),
        frame: frameOf({ width, height }, 128),
        predictedIou: 1
      })
      expect(thin.area).toBe(width * height)
      expect(thin.boxXyxy).toEqual([0, 0, width, height])
      expect(thin.promptLogits(frameOf({ width, height }, 256), 64).every(Number.isFinite)).toBe(true)
    }
  })
})

describe('every form of a mask', () => {
  const mask = blob(61, 47)

  it('converts back to the same bitmap', () => {
    const size = { width: 61, height: 47 }
    for (const same of [
      Mask.fromRle(mask.toRle()),
      Mask.fromRle(mask.toCocoRle()),
      Mask.fromPolygons(mask.toPolygons(), size)
    ]) {
      expect(same.bitmap()).toEqual(mask.bitmap())
    }
    expect(mask.logits()).toEqual(Float32Array.from(mask.bitmap(), v => (v ? handMadeLogit : -handMadeLogit)))
    expect([mask.stability(), mask.predictedIou, mask.lowResLogits]).toEqual([1, 1, undefined])
    expect(mask.toPolygons({ simplify: 1 }).flat(2).length).toBeLessThan(mask.toPolygons().flat(2).length)
  })

  it('computes its area and boxes', () => {
    const dot = Mask.fromBitmap({
      width: 5,
      height: 4,
      data: Uint8Array.from({ length: 20 }, (_, i) => (i === 7 || i === 13 ? 255 : 0))
    })
    expect([dot.area, dot.boxXyxy, dot.boxXywh]).toEqual([2, [2, 1, 4, 3], [2, 1, 2, 2]])
    const none = Mask.fromBitmap({ width: 5, height: 4, data: new Uint8Array(20) })
    expect([none.area, none.boxXyxy, none.toPolygons(), none.toCocoRle().counts]).toEqual([0, [0, 0, 0, 0], [], 'd0'])
  })

  it('converts to ImageData', () => {
    const { width, height, data } = Mask.fromBitmap({ width: 2, height: 1, data: new Uint8Array([0, 1]) }).toImageData({
      color: [1, 2, 3],
      alpha: 0.4
    })
    expect([width, height, ...data]).toEqual([2, 1, 0, 0, 0, 0, 1, 2, 3, 102])
  })

  it("copies a user's bitmap", () => {
    const data = new Uint8Array([1, 0])
    const copy = new Mask({ width: 2, height: 1, data })
    data.fill(1)
    expect(copy.area).toBe(1)
  })
})

describe('a mask elsewhere', () => {
  const photo = frameOf({ width: 150, height: 100 }, 128)
  const own = () => new Mask({ ...predicted('box', 2), frame: photo, predictedIou: 0.75, threshold: 0.25 } as never)
  const pixels = () => new Mask({ ...blob(61, 47), predictedIou: 0.5 } as never)
  const everything = (mask: Mask) => ({
    size: [mask.width, mask.height],
    predictedIou: mask.predictedIou,
    bitmap: mask.bitmap(),
    measures: mask.measure(),
    logits: mask.logits(),
    lowRes: mask.lowResLogits
  })

  it.each([
    ['predicted', own],
    ['of pixels', pixels]
  ])('keeps all its data in a structured clone: %s', (_, make) => {
    const clone = structuredClone(make())
    expect(clone).not.toBeInstanceOf(Mask)
    const again = Mask.from(clone)
    expect(again).toBeInstanceOf(Mask)
    expect(everything(again)).toEqual(everything(make()))
    expect(Mask.from(again)).toBe(again)
    expect(maskPromptLogits(clone, make().frame ?? frameOf(clone, 128), 32)).toEqual(
      maskPromptLogits(make(), make().frame ?? frameOf(clone, 128), 32)
    )
  })

  it('moves its logits without a copy, and then refuses to be used here', () => {
    const mask = new Mask({ lowResLogits: predicted('box', 2).lowResLogits!.slice(), frame: photo, predictedIou: 0.5 })
    const moved = structuredClone(mask, { transfer: [mask.lowResLogits!.buffer as ArrayBuffer] })
    expect(Mask.from(moved).area).toBe(predicted('box', 2).area)
    for (const use of [() => mask.area, () => mask.bitmap(), () => mask.logits(), () => mask.toJSON()])
      expect(use).toThrow(expect.objectContaining({ code: 'E_DISPOSED' }))
    const bits = pixels()
    structuredClone(bits, { transfer: [bits.inside!.buffer as ArrayBuffer] })
    expect(() => bits.bitmap()).toThrow(expect.objectContaining({ code: 'E_DISPOSED' }))
  })

  it('shares the frame of the masks of one photo', () => {
    const [a, b] = [own(), own()].map(mask => Mask.from(structuredClone(mask)))
    expect(a.frame).toBe(b.frame)
  })

  it('goes through JSON with its pixels and scores, in the form of SA-1B', () => {
    const mask = own()
    const json = JSON.parse(JSON.stringify(mask)) as MaskJson
    expect(json).toEqual({
      segmentation: mask.toCocoRle(),
      area: mask.area,
      bbox: [...mask.boxXywh],
      predicted_iou: 0.75,
      stability_score: mask.stability()
    })
    const again = Mask.from(json)
    expect([again.bitmap(), again.predictedIou, again.lowResLogits]).toEqual([mask.bitmap(), 0.75, undefined])
    const rest: Partial<MaskJson> = { ...json }
    delete (rest as { stability_score?: number }).stability_score
    expect(again.toJSON()).toEqual(rest)
  })

  it('is read from all forms of a mask', () => {
    const mask = blob(61, 47)
    for (const source of [mask.toRle(), mask.toCocoRle(), { ...mask, data: mask.bitmap() }, mask.toJSON()])
      expect(Mask.from(source as never).bitmap()).toEqual(mask.bitmap())
  })

  const clone = () => structuredClone(own())
  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a list', () => [1]],
    ['an empty object', () => ({})],
    ['a segmentation that is none', () => ({ segmentation: 5 })],
    ['a score that is no number', () => ({ ...own().toJSON(), predicted_iou: 'good' })],
    ['logits that are no square', () => ({ ...clone(), lowResLogits: new Float32Array(1023) })],
    ['logits of another type', () => ({ ...clone(), lowResLogits: new Float64Array(1024) })],
    ['no frame', () => ({ ...clone(), frame: undefined })],
    ['a frame with too large an input', () => ({ ...clone(), frame: { ...photo, inputSize: [256, 128] } })],
    ['a frame without a photo', () => ({ ...clone(), frame: { ...photo, originalSize: [0, 128] } })],
    ['a threshold that is no number', () => ({ ...clone(), threshold: NaN })]
  ])('rejects %s', (_, source) => {
    expect(() => Mask.from(source() as never)).toThrow(expect.objectContaining({ code: 'E_BAD_PROMPT' }))
  })
})

describe('maskPromptLogits', () => {
  it("converts a bitmap to logits that the model's upscaling restores", () => {
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 300 }), fc.integer({ min: 40, max: 300 }), (width, height) => {
        const mask = blob(width, height)
        const wide: Frame = frameOf(mask, 256)
        const logits = maskPromptLogits(mask, wide, 64)
        expect(Math.max(...logits)).toBeCloseTo(handMadeLogit, 3)
        expect(Math.min(...logits)).toBeCloseTo(-handMadeLogit, 3)
        expect(
          iou(new Mask({ lowResLogits: logits, frame: wide, predictedIou: 1 }).bitmap(), mask.bitmap())
        ).toBeGreaterThan(0.85)
      }),
      { numRuns: 30 }
    )
  })

  it('treats the padding as outside', () => {
    const full = new Mask({ width: 100, height: 50, data: new Uint8Array(5000).fill(1) })
    const logits = maskPromptLogits(full, frameOf(full, 128), 32)
    expect(logits[5 * 32 + 5]).toBeCloseTo(handMadeLogit, 3)
    expect(logits[20 * 32 + 5]).toBeCloseTo(-handMadeLogit, 3)
  })

  it('accepts bitmaps, RLE and raw logits', () => {
    const mask = blob(150, 100)
    const expected = maskPromptLogits(mask, frame, 32)
    for (const same of [{ width: 150, height: 100, data: mask.bitmap() }, mask.toRle(), mask.toCocoRle(), expected]) {
      expect(maskPromptLogits(same, frame, 32)).toEqual(expected)
    }
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 7],
    ['an empty object', {}],
    ['logits of another size', new Float32Array(9)],
    ['a NaN logit', new Float32Array(plane).fill(NaN)],
    ['an infinite logit', new Float32Array(plane).fill(Infinity)],
    ['another size', { width: 100, height: 150, data: new Uint8Array(15_000) }],
    ['too little data', { width: 150, height: 100, data: new Uint8Array(9) }],
    ['0 × 0', { width: 0, height: 0, data: new Uint8Array(0) }],
    ['floats as bitmap', { width: 150, height: 100, data: new Float32Array(15_000) }],
    ['run lengths of another size', { size: [2, 2], counts: [4] }],
    ['broken run lengths', { size: [100, 150], counts: 'x' }]
  ])('rejects %s', (_, mask) => {
    expect(() => maskPromptLogits(mask as MaskPrompt, frame, 32)).toThrow(
      expect.objectContaining({ code: 'E_BAD_PROMPT' })
    )
  })
})
