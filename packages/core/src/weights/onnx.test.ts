import { describe, expect, it } from 'vitest'
import { rankLimit, tensorLimit } from './limits.js'
import { openWeights } from './open.js'
import { SamError } from '../errors.js'

/** Protobuf by hand: a field of a number, of bytes or of messages. */
const varint = (n: number): number[] => (n < 0x80 ? [n] : [(n % 0x80) | 0x80, ...varint(Math.floor(n / 0x80))])
const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)]
const bytes = (field: number, content: readonly number[] | string): number[] => {
  const data = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content
  return [...varint(field * 8 + 2), ...varint(data.length), ...data]
}
const floats = (...values: number[]): number[] => [...new Uint8Array(Float32Array.from(values).buffer)]
const tensor = (name: string, dims: number[], data: number[], { dataType = 1, as = 9, more = [] as number[] } = {}) =>
  bytes(5, [
    ...dims.flatMap(d => number(1, d)),
    ...number(2, dataType),
    ...bytes(8, name),
    ...(data.length ? bytes(as, data) : []),
    ...more
  ])
const model = (graph: number[], more: number[] = []): Uint8Array =>
  Uint8Array.from([...number(1, 9), ...bytes(2, 'test'), ...bytes(7, graph), ...more])

const errorOf = async (file: Uint8Array): Promise<SamError> => {
  const error: unknown = await openWeights(file).then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  expect(error).toBeInstanceOf(SamError)
  return error as SamError
}

describe('openOnnx', () => {
  const nodes = Array.from({ length: 40_000 }, () => bytes(1, [...bytes(1, 'x'), ...bytes(4, 'Add')])).flat()

  it('reads initializers with the names of a checkpoint, in both forms, and the metadata', async () => {
    const source = await openWeights(
      model(
        [
          ...nodes,
          ...tensor('a.weight', [2, 1], floats(1, -2)),
          ...tensor('t12', [1], floats(9)),
          ...tensor('a.bias', [1], floats(3), { as: 4 }),
          ...bytes(5, [...bytes(1, [1, 3]), ...number(2, 1), ...bytes(8, 'a.packed'), ...bytes(9, floats(4, 5, 6))])
        ],
        bytes(14, [...bytes(1, 'about'), ...bytes(2, 'a test')])
      )
    )
    expect(source.names).toEqual(['a.weight', 'a.bias', 'a.packed'])
    expect(source.metadata).toEqual({ about: 'a test' })
    expect(await source.read('a.weight')).toEqual({ dtype: 'f32', shape: [2, 1], data: Float32Array.of(1, -2) })
    expect((await source.read('a.bias')).data).toEqual(Float32Array.of(3))
    expect((await source.read('a.packed')).shape).toEqual([1, 3])
  })

  it('opens a directory of models as one, without those of lower precision', async () => {
    const blob = (name: string): Blob => new Blob([Uint8Array.from(model(tensor(`${name}.weight`, [1], floats(1))))])
    const files = ['encoder', 'decoder', 'decoder_quantized', 'decoder_fp16']
    const source = await openWeights(new Map(files.map(name => [`${name}.onnx`, blob(name)])))
    expect(source.names).toEqual(['encoder.weight', 'decoder.weight'])
  })

  it.each([
    ['names that the exporter dropped', tensor('onnx::MatMul_12', [1, 1], floats(1)), "dropped ('onnx::MatMul_12')"],
    ['no names of a checkpoint', tensor('t1', [1], floats(1)), 'no weights with the names of a checkpoint'],
    ['quantized weights', tensor('a.weight', [1], [1], { dataType: 2 }), "'a.weight' is quantized"],
    ['other files', tensor('a.weight', [1], [], { more: bytes(13, bytes(1, 'location')) }), 'is in another file'],
    ['unknown types', tensor('a.weight', [1], floats(1), { dataType: 8 }), 'element type 8'],
    ['too few bytes', tensor('a.weight', [2], floats(1)), 'needs 8 bytes for F32[2], but has 4'],
    ['huge shapes', tensor('a.weight', [2 ** 52, 2 ** 52], floats(1)), 'is too large'],
    ['sizes past 2⁵³', tensor('a.weight', [2 ** 60], floats(1)), 'shape must be sizes of 0 or more'],
    [
      'too many dimensions',
      tensor('a.weight', Array<number>(rankLimit + 1).fill(1), floats(1)),
      'at most 64 dimensions'
    ],
    ['long names', tensor(`a.${'x'.repeat(2000)}`, [1], floats(1)), 'at most 1024 bytes'],
    ['fields that leave their message', [...varint(5 * 8 + 2), ...varint(1000), 1], 'leaves its message'],
    ['fields past the end of numbers', [...varint(5 * 8 + 2), ...Array<number>(12).fill(0xff)], 'does not end'],
    ['unknown kinds of fields', [...varint(5 * 8 + 3)], 'unknown kind 3'],
    ['field number 0', [2, 0], 'leaves its message']
  ])('refuses %s', async (_, graph, message) => {
    const error = await errorOf(model(graph))
    expect(error.code).toBe('E_WEIGHTS_FORMAT')
    expect(error.message).toContain(message)
  })

  it('refuses too many tensors and fields, in time that the size of the file bounds', async () => {
    const one = tensor('t', [], [])
    const many = new Uint8Array(one.length * (tensorLimit + 1))
    for (let i = 0; i <= tensorLimit; i++) many.set(one, i * one.length)
    const wrapped = (graph: Uint8Array): Uint8Array => {
      const head = Uint8Array.from([...number(1, 9), ...bytes(2, ''), ...varint(7 * 8 + 2), ...varint(graph.length)])
      const out = new Uint8Array(head.length + graph.length)
      out.set(head)
      out.set(graph, head.length)
      return out
    }
    expect((await errorOf(wrapped(many))).message).toContain('at most 100000 tensors')
    expect((await errorOf(wrapped(new Uint8Array(2_200_000).fill(8)))).message).toContain('at most 1000000 fields')
  })

  it('refuses every file that is cut off', async () => {
    const whole = model(tensor('a.weight', [2], floats(1, 2)))
    for (let length = 4; length < whole.length; length++) await errorOf(whole.slice(0, length))
  })
})
