import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSafetensors, writeSafetensors } from './safetensors.js'
import { memoryWeights, storedIn, type WeightSource } from './source.js'
import { storedBytes, type StoredDType } from './stored.js'
import { SamError } from '../errors.js'
import { f32, full, tensor } from '../tensor/tensor.js'
import { memoryBytes } from '#io'

const fixture = new URL('../../../../fixtures/tiny-checkpoint.safetensors', import.meta.url)

/** A file with this header text (or object) and this many data bytes. */
function file(header: string | Uint8Array | object, data = 0, declared?: bigint): Uint8Array {
  const json =
    header instanceof Uint8Array
      ? header
      : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const out = new Uint8Array(8 + json.length + data)
  new DataView(out.buffer).setBigUint64(0, declared ?? BigInt(json.length), true)
  out.set(json, 8)
  return out
}
const open = (bytes: Uint8Array): Promise<WeightSource> => openSafetensors(memoryBytes(bytes, 'x.safetensors'))
const byte = (at: number): string => `{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`
const one = (fields: object) => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } })
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

describe('openSafetensors', () => {
  it('reads a file written by the safetensors library', async () => {
    const source = await open(readFileSync(fixture))
    expect(source.names).toHaveLength(202)
    expect(source.metadata).toEqual({ format: 'pt', __proto__: null })
    expect(source.info('image_encoder.pos_embed')).toEqual({
      name: 'image_encoder.pos_embed',
      dtype: 'F32',
      shape: [1, 8, 8, 32]
    })
    const bias = await source.read('image_encoder.patch_embed.proj.bias')
    expect(bias.shape).toEqual([32])
    expect(bias.data.every(x => Math.abs(x) <= 0.1)).toBe(true)
    expect(source.locate('image_encoder.pos_embed')).toBeUndefined()
    expect(() => source.info('nothing')).toThrow("no tensor is called 'nothing'")
  })

  it('accepts no tensors, sizes of zero, rank 0, trailing spaces and NaN', async () => {
    expect((await open(file('{}'))).names).toEqual([])
    expect((await open(file('{"__metadata__":null}   '))).metadata).toEqual({})
    const [e, s] = [
      { dtype: 'F32', shape: [0, 3], data_offsets: [0, 0] },
      { dtype: 'F64', shape: [], data_offsets: [0, 8] }
    ]
    const source = await open(file({ e, s }, 8))
    expect((await source.read('e')).data).toHaveLength(0)
    expect([...(await source.read('s')).data]).toEqual([0])
  })

  const hostile: Record<string, [Uint8Array, RegExp]> = {
    'an empty file': [new Uint8Array(0), /8 bytes/],
    '7 bytes': [new Uint8Array(7), /8 bytes/],
    'a header of length 0': [file(''), /begin with/],
    'a header longer than the file': [file('{}', 0, 3n), /truncated/],
    'a header over the cap': [file('{}', 0, 100_000_001n), /at most/],
    'a header of 2^53 bytes': [file('{}', 0, 2n ** 53n), /at most/],
    'a header of 2^64 - 1 bytes': [file('{}', 0, 2n ** 64n - 1n), /at most/],
    'a header that is not UTF-8': [file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not valid JSON/],
    'a header that is not JSON': [file('{nope}'), /not valid JSON/],
    'a leading space': [file(' {}'), /begin with/],
    'an array': [file('[]'), /begin with/],
    'deep nesting': [file('{"a":' + '['.repeat(100_000)), /nesting deeper/],
    'text after the header': [file('{}x'), /not valid JSON/],
    'duplicate keys over the same bytes': [file(`{"a":${byte(0)},"a":${byte(0)}}`, 1), /twice/],
    'a duplicate field': [file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1), /twice/],
    'overlapping tensors': [file({ ...one({}), b: one({ data_offsets: [4, 12] }).a }, 12), /must begin at byte 8/],
    'the same bytes twice': [file({ ...one({}), b: one({}).a }, 8), /must begin at byte 8/],
    'a hole': [file({ ...one({}), b: one({ data_offsets: [12, 20] }).a }, 20), /must begin at byte 8/],
    'a hole at the start': [file(one({ data_offsets: [4, 12] }), 12), /must begin at byte 0/],
    'trailing bytes': [file(one({}), 9), /cover 8 bytes/],
    'missing bytes': [file(one({}), 7), /cover 8 bytes/],
    'begin after end': [file(one({ data_offsets: [8, 0] }), 8), /needs 8 bytes/],
    'negative offsets': [file(one({ data_offsets: [-8, 0] }), 8), /data_offsets/],
    'fractional offsets': [file(one({ data_offsets: [0.5, 8.5] }), 8), /data_offsets/],
    'offsets as text': [file(one({ data_offsets: ['0', '8'] }), 8), /data_offsets/],
    'three offsets': [file(one({ data_offsets: [0, 4, 8] }), 8), /data_offsets/],
    'offsets past 2^53': [
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[9007199254740993,9007199254741001]}}', 8),
      /data_offsets/
    ],
    'a shape that does not fill the range': [file(one({ shape: [3] }), 8), /needs 12 bytes/],
    'a product that overflows': [file(one({ shape: [2 ** 32, 2 ** 32] }), 8), /too large/],
    'a negative size': [file(one({ shape: [-2, -1] }), 8), /whole numbers/],
    'an 8-bit float': [file(one({ dtype: 'F8_E4M3' }), 8), /'a' has the type "F8_E4M3"/],
    'a type that names a property': [file(one({ dtype: 'constructor' }), 8), /has the type "constructor"/],
    'no shape': [file({ a: { dtype: 'F32', data_offsets: [0, 8] } }, 8), /shape/],
    'a tensor that is no object': [file({ a: 1 }), /described by an object/],
    'metadata that is not text': [file({ __metadata__: { n: 1 } }), /must hold texts/]
  }
  it.each(Object.entries(hostile))('refuses %s', async (_, [bytes, message]) => {
    const error = await open(bytes).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(SamError)
    expect((error as SamError).code).toBe('E_WEIGHTS_FORMAT')
    expect((error as SamError).message).toMatch(message)
  })

  it('keeps names like __proto__ apart from objects', async () => {
    const source = await open(file(`{"__proto__":${byte(0)},"constructor":${byte(1)}}`, 2))
    expect(source.names).toEqual(['__proto__', 'constructor'])
    expect(source.has('toString')).toBe(false)
    expect(source.info('__proto__').dtype).toBe('U8')
  })

  it('refuses the fixture truncated anywhere', async () => {
    const whole = new Uint8Array(readFileSync(fixture))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async n => {
        await expect(open(whole.subarray(0, n))).rejects.toMatchObject({ code: 'E_WEIGHTS_FORMAT' })
      })
    )
  })
})

describe('writeSafetensors', () => {
  const values = fc.array(fc.float({ noNaN: true }), { maxLength: 6 }).map(x => f32([x.length], x))
  it('round trips any tensors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), values), async tensors => {
        const bytes = await collect(writeSafetensors(tensors, { metadata: { note: 'a "quoted" é' } }))
        const back = await open(bytes)
        expect(back.metadata).toMatchObject({ note: 'a "quoted" é' })
        expect([...back.names].sort()).toEqual(Object.keys(tensors).sort())
        for (const name of back.names) expect(await back.read(name)).toEqual(tensors[name])
      })
    )
  })

  it('aligns mixed types and keeps each exact', async () => {
    const source = memoryWeights({
      flags: tensor('bool', [3], [1, 0, 1]),
      half: tensor('f16', [1], Uint16Array.of(0x3c01)),
      count: tensor('i32', [2], [7, -9]),
      w: full('f32', [5], 0.5)
    })
    const bytes = await collect(writeSafetensors(source))
    const back = await open(bytes)
    expect(back.names).toEqual(['count', 'w', 'half', 'flags'])
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0)
    for (const name of source.names) expect(await back.bytes(name)).toEqual(await source.bytes(name))
    expect([...(await back.read('half')).data]).toEqual([1 + 2 ** -10])
  })

  it.each<[StoredDType, number[]]>([
    ['F64', [1.5, -2, 3]],
    ['F32', [1.5, -2, 3]],
    ['F16', [1.5, -2, 3]],
    ['BF16', [1.5, -2, 3]],
    ['I64', [1, -2, 3]],
    ['I32', [1, -2, 3]],
    ['I16', [1, -2, 3]],
    ['I8', [1, -2, 3]],
    ['U8', [1, 254, 3]],
    ['BOOL', [1, 1, 1]]
  ])('writes and reads %s', async (dtype, expected) => {
    const given = dtype === 'U8' ? [1.5, 254, 3] : [1.5, -2, 3]
    const bytes = await collect(writeSafetensors(storedIn(memoryWeights({ a: f32([3], given) }), dtype)))
    const back = await open(bytes)
    expect(back.info('a')).toEqual({ name: 'a', dtype, shape: [3] })
    expect(await back.bytes('a')).toHaveLength(3 * storedBytes[dtype])
    expect([...(await back.read('a')).data]).toEqual(expected)
  })

  it('rounds bfloat16 to nearest even and keeps NaN and infinity', async () => {
    const given = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4028234663852886e38, NaN, -Infinity]
    const back = await open(await collect(writeSafetensors(storedIn(memoryWeights({ a: f32([5], given) }), 'BF16'))))
    expect([...(await back.read('a')).data]).toEqual([1, 1 + 2 ** -6, Infinity, NaN, -Infinity])
  })

  it('asks for one tensor at a time', async () => {
    const source = memoryWeights({ a: full('f32', [4], 1), b: full('f32', [4], 2) })
    const asked: string[] = []
    const chunks = writeSafetensors({ ...source, bytes: name => (asked.push(name), source.bytes(name)) })
    await chunks.next()
    expect(asked).toEqual([])
    await chunks.next()
    expect(asked).toEqual(['a'])
  })
})
