import { describe, expect, it } from 'vitest'
import { overlay } from './draw/overlay.js'
import { Mask } from './masks/mask.js'
import { readOptions } from './options.js'

interface Options {
  readonly multimask?: boolean
  readonly best?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: () => void
}
const read = (options: unknown): Options =>
  readOptions('predict', options as Options, { multimask: true, best: true, signal: true, onProgress: true })

describe('readOptions', () => {
  it('readOptions: returns a frozen copy for which each option was read once', () => {
    let reads = 0
    const options = {
      get best() {
        return ++reads === 1
      }
    }
    const copy = read(options)
    expect([copy.best, copy.best, reads]).toEqual([true, true, 1])
    expect(Object.isFrozen(copy)).toBe(true)
  })

  it('readOptions: leaves out what is undefined, so that defaults hold', () => {
    expect(read({ best: undefined })).toEqual({})
  })

  it.each([
    [{ multiMask: true }, "predict: unknown option 'multiMask'; did you mean 'multimask'?"],
    [{ multimaks: true }, "did you mean 'multimask'?"],
    [{ threshold: 1 }, "unknown option 'threshold'; known: multimask, best, signal, onProgress"],
    [JSON.parse('{"__proto__": 1}'), "unknown option '__proto__'"],
    [{ constructor: 1 }, "unknown option 'constructor'"],
    [{ signal: new AbortController() }, 'found an AbortController; pass its signal'],
    [{ signal: 5 }, 'signal must be an AbortSignal, found 5'],
    [{ onProgress: true }, 'onProgress must be a function, found true'],
    [null, 'options must be an object, found null'],
    ['best', 'options must be an object, found "best"'],
    [[], 'options must be an object, found an array of 0'],
    [new AbortController().signal, 'found AbortSignal'],
    [Promise.resolve({}), 'found a promise; await it']
  ])('readOptions: refuses %o with the next step', (options, message) => {
    expect(() => read(options)).toThrow(expect.objectContaining({ code: 'E_BAD_OPTION' }))
    expect(() => read(options)).toThrow(message)
  })
})

it('Mask and overlay: refuse a misspelt option', () => {
  const mask = Mask.fromBitmap({ width: 1, height: 1, data: Uint8Array.of(1) })
  expect(() => mask.toPolygons({ simplfy: 1 } as object)).toThrow("did you mean 'simplify'?")
  expect(() => mask.toImageData({ colour: [0, 0, 0] } as object)).toThrow("did you mean 'color'?")
  const image = { width: 1, height: 1, data: new Uint8Array(3) }
  expect(() => overlay(image, [mask], { box: [] } as object)).toThrow("did you mean 'boxes'?")
})
