import { describe, expect, it } from 'vitest'
import { frameOf } from '../image/frame.js'
import { Mask } from '../masks/mask.js'
import { checkPrompts, type PromptRules } from './check-prompt.js'
import type { DecoderPrompt } from './decoder-prompt.js'
import { decodeBatches, promptSignature } from './prompt-feeds.js'
import type { Prompt } from './prompt.js'

const photo = { width: 150, height: 100 }
const rules: PromptRules = { frame: frameOf(photo, 128), lowResSize: 32, embeddingWidth: 4, textWidth: 3 }
const check = (prompts: unknown) => checkPrompts(prompts as Prompt, rules)

describe('checkPrompts: a copy', () => {
  it('does not change with the points, box and vectors it was made of', () => {
    const point = { x: 5, y: 6 }
    const [points, box] = [[point], [1, 2, 30, 40]]
    const vector = Float32Array.of(1, 2, 3, 4)
    const text = Float32Array.of(1, 0, 0)
    const [checked] = check({ points, box, sparseEmbeddings: [vector], text })
    for (let i = 0; i < 5000; i++) points.push({ x: 1, y: 1 })
    point.x = NaN
    box[0] = NaN
    vector.fill(NaN)
    text.fill(NaN)
    expect(checked).toEqual({
      points: [{ x: 5, y: 6, label: 'foreground' }],
      box: [1, 2, 30, 40],
      mask: undefined,
      text: Float32Array.of(1, 0, 0),
      sparseEmbeddings: [Float32Array.of(1, 2, 3, 4)]
    })
    for (const part of [checked, checked.points, checked.points[0], checked.box, checked.sparseEmbeddings])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it.each(['logits', 'bitmap', 'a predicted mask', 'run lengths'])('does not change with a mask: %s', kind => {
    const logits = new Float32Array(32 * 32).fill(2)
    const data = new Uint8Array(150 * 100).fill(1)
    const counts = [0, 150 * 100]
    const masks: Record<string, Prompt['mask']> = {
      logits,
      bitmap: { ...photo, data },
      'a predicted mask': new Mask({ lowResLogits: logits, frame: rules.frame, predictedIou: 1 }),
      'run lengths': { size: [100, 150], counts }
    }
    const [{ mask }] = check({ mask: masks[kind] })
    const before = mask!.slice()
    logits.fill(NaN)
    data.fill(0)
    counts.reverse()
    expect(mask).toEqual(before)
    expect(before.every(Number.isFinite)).toBe(true)
  })

  it('reads each value once: a getter cannot pass the check with one value and be used with another', () => {
    let reads = 0
    const point = {
      get x() {
        return reads++ ? NaN : 7
      },
      y: 1
    }
    expect(check({ points: [point] })[0].points).toEqual([{ x: 7, y: 1, label: 'foreground' }])
  })
})

describe('checkPrompts: refuses', () => {
  const throwing = new Proxy([], {
    get() {
      throw new TypeError('no entry')
    }
  })
  const list = (n: number, prompt: () => Prompt): Prompt[] => Array.from({ length: n }, prompt)
  const cases: Record<string, [unknown, string]> = {
    'a sparse box': [{ box: [1, , 3, 4] }, 'found [1, undefined, 3, 4]'],
    'a typed array as a box': [{ box: Float32Array.of(1, 2, 3, 4) }, 'found Float32Array'],
    'strings as numbers': [{ box: ['1', '2', '3', '4'] }, 'found ["1", "2", "3", "4"]'],
    'a sparse list of points': [{ points: [, { x: 1, y: 1 }] }, 'points[0] must have finite x and y'],
    'a sparse list of prompts': [[, { box: [1, 2, 3, 4] }], 'prompts[0]: must be an object'],
    'a proxy that throws': [{ points: throwing }, 'cannot be read (no entry)'],
    'a proxy of a vector': [{ sparseEmbeddings: [new Proxy(new Float32Array(4), {})] }, 'cannot be read'],
    'a getter that throws': [
      {
        get box() {
          throw new Error('no box')
        }
      },
      'cannot be read (no box)'
    ],
    'a wrong name': [{ boxes: [1, 2, 3, 4] }, "unknown field 'boxes'; did you mean 'box'?"],
    'a wrong name in a point': [{ points: [{ x: 1, y: 1, lable: 'background' }] }, "did you mean 'label'?"],
    'a promise': [Promise.resolve({ box: [1, 2, 3, 4] }), 'found a promise; await it'],
    nothing: [undefined, 'must be an object such as { points: [{ x, y }] }, found undefined'],
    'a mask of a photo of another size': [{ mask: { width: 1, height: 1, data: Uint8Array.of(1) } }, '150 × 100'],
    'too many points': [{ points: new Array<unknown>(1025) }, 'may be at most 1024, found 1025'],
    'a list without end': [new Array<unknown>(2 ** 31), 'one call may have at most 1024 prompts; call predict again'],
    'too many prompts': [
      list(1025, () => ({ points: [{ x: 1, y: 1 }] })),
      'one call may have at most 1024 prompts; call predict again'
    ],
    'too many masks': [list(257, () => ({ mask: new Float32Array(32 * 32) })), 'at most 256 masks'],
    'too many vectors': [
      list(17, () => ({ sparseEmbeddings: new Array<Float32Array>(1024).fill(new Float32Array(4)) })),
      'at most 16384 sparse embeddings'
    ]
  }
  for (const [name, [prompt, message]] of Object.entries(cases))
    it(name, () => {
      expect(() => check(prompt)).toThrow(expect.objectContaining({ code: 'E_BAD_PROMPT' }))
      expect(() => check(prompt)).toThrow(message)
    })
})

describe('decodeBatches', () => {
  const prompt = (points: number): DecoderPrompt => ({
    points: Array.from({ length: points }, () => ({ x: 1, y: 1, label: 1 }))
  })

  it('keeps the order, and bounds prompts and tokens with their padding', () => {
    const prompts = [
      ...Array.from({ length: 130 }, () => prompt(1)),
      prompt(1024),
      ...Array.from({ length: 70 }, () => prompt(40))
    ]
    const batches = decodeBatches(prompts)
    expect(batches.flat()).toEqual(prompts)
    expect(batches.map(batch => batch.length)).toEqual([64, 64, 2, 1, 32, 32, 6])
    for (const batch of batches.filter(({ length }) => length > 1)) {
      const { prompts: count, points } = promptSignature(batch)
      expect(count * points).toBeLessThanOrEqual(2048)
    }
  })
})
