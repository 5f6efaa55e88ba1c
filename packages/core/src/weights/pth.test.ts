import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openPth } from './pth.js'
import { writePth } from './pth-write.js'
import { openSafetensors } from './safetensors.js'
import { memoryWeights, storedIn, type WeightSource } from './source.js'
import { storedBytes, type StoredDType } from './stored.js'
import { writeZip } from './zip-write.js'
import { WeightsError } from '../errors.js'
import { f32, full } from '../tensor/tensor.js'
import { memoryBytes, openFile } from '#io'

const fixture = (name: string): URL => new URL(`../../../../fixtures/${name}`, import.meta.url)
const open = async (bytes: Uint8Array): Promise<WeightSource> => openPth(memoryBytes(bytes, 'x.pth'))
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

describe('openPth', () => {
  it("reads Meta's layout, and finds each tensor in the file", async () => {
    const pth = await openPth(await openFile(fixture('tiny-checkpoint.pth')))
    const same = await openSafetensors(await openFile(fixture('tiny-checkpoint.safetensors')))
    expect(pth.names).toEqual(same.names)
    const file = readFileSync(fixture('tiny-checkpoint.pth'))
    for (const name of pth.names) {
      expect(pth.info(name)).toEqual(same.info(name))
      const bytes = await same.bytes(name)
      expect(Buffer.compare(await pth.bytes(name), bytes)).toBe(0)
      const { path, offset, length } = pth.locate(name)!
      expect(path).toBe(pth.label)
      expect(Buffer.compare(file.subarray(offset, offset + length), bytes)).toBe(0)
    }
    await Promise.all([pth.close(), same.close()])
  })

  it.each(['training.pth', 'protocol-4.pth'])(
    'reads every type and view of %s, passing over what stands beside the weights',
    async name => {
      const source = await openPth(await openFile(fixture(`torch/${name}`)))
      const expected = await openSafetensors(await openFile(fixture('torch/expected.safetensors')))
      expect([...source.names].sort()).toEqual([...expected.names].sort())
      for (const tensor of expected.names) {
        expect(source.info(tensor), tensor).toEqual(expected.info(tensor))
        expect(await source.bytes(tensor), tensor).toEqual(await expected.bytes(tensor))
      }
      // Only what lies in one piece can be pointed at.
      for (const whole of ['base', 'row', 'expanded']) expect(source.locate(whole)).toBeDefined()
      for (const spread of ['transposed', 'column', 'every_other']) expect(source.locate(spread)).toBeUndefined()
      expect([...(await source.read('bfloat')).data]).toEqual([...(await expected.read('bfloat')).data])
      await Promise.all([source.close(), expected.close()])
    }
  )

  it('refuses a file that wants to run something, and names it', async () => {
    await expect(open(readFileSync(fixture('torch/harmful.pth')))).rejects.toMatchObject({
      code: 'E_WEIGHTS_UNSAFE',
      message: expect.stringMatching(/"posix\.system".*nothing was run/) as unknown
    })
  })
})

/**
 * An archive as torch.save lays it out, with this pickle (Latin-1 text of its opcodes) and one storage of 24 bytes
 * called 0.
 */
const archive = (pickle: string, more: Record<string, string> = {}): Promise<Uint8Array> => {
  const files = { 'x/data.pkl': pickle, 'x/data/0': '\0'.repeat(24), ...more }
  return collect(
    writeZip(
      Object.entries(files).map(([name, text]) => ({ name, bytes: () => Uint8Array.from(text, c => c.charCodeAt(0)) }))
    )
  )
}
const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`
const storage = ({ type = 'ctorch\nFloatStorage\n', key = text('0'), numel = 'K\x06' } = {}): string =>
  `(${text('storage')}${type}${key}${text('cpu')}${numel}tQ`
const tensor = ({ from = storage(), offset = 'K\x00', shape = 'K\x06\x85', strides = 'K\x01\x85' } = {}): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${from}${offset}${shape}${strides}\x89NtR`
const dict = (value: string): string => `}${text('w')}${value}s.`

describe('a hostile .pth', () => {
  it('is made by these tests as torch would make it', async () => {
    const source = await open(await archive(dict(tensor())))
    expect(source.info('w')).toEqual({ name: 'w', dtype: 'F32', shape: [6] })
    expect((await source.read('w')).data).toEqual(new Float32Array(6))
  })

  const refusals: [string, string, RegExp | [RegExp, Record<string, string>]][] = [
    ['no zip64-sized storage', dict(tensor({ from: storage({ numel: 'K\x05' }) })), /must have 5 × 4 bytes, has 24/],
    ['a storage that is not there', dict(tensor({ from: storage({ key: text('1') }) })), /not in the archive/],
    [
      'a storage outside the folder',
      dict(tensor({ from: storage({ key: text('../data.pkl') }) })),
      /not in the archive/
    ],
    ['a storage key that is a number', dict(tensor({ from: storage({ key: 'K\x00' }) })), /unknown form/],
    ['a quantised storage', dict(tensor({ from: storage({ type: 'ctorch\nQInt8Storage\n' }) })), /torch\.QInt8Storage/],
    ['a storage of no type', dict(tensor({ from: storage({ type: 'N' }) })), /unknown form/],
    ['a persistent id that is a number', dict('K\x01Q'), /unknown form/],
    ['a tensor of no storage', dict(tensor({ from: 'N' })), /something else than a storage/],
    ['a tensor of texts', dict(tensor({ shape: `${text('6')}\x85` })), /something else than a storage/],
    ['a view past the end', dict(tensor({ offset: 'K\x01' })), /leaves its storage/],
    [
      'a view with a stride past the end',
      dict(tensor({ shape: 'K\x02\x85', strides: 'K\x06\x85' })),
      /leaves its storage/
    ],
    ['a negative offset', dict(tensor({ offset: 'J\xff\xff\xff\xff' })), /0 or more/],
    ['a negative stride', dict(tensor({ strides: 'J\xff\xff\xff\xff\x85' })), /0 or more/],
    ['a negative size', dict(tensor({ shape: 'J\xff\xff\xff\xff\x85' })), /sizes of 0 or more/],
    ['a fractional size', dict(tensor({ shape: 'G\x3f\xf8\0\0\0\0\0\0\x85' })), /sizes of 0 or more/],
    ['a size past 2^53', dict(tensor({ shape: '\x8a\x08\0\0\0\0\0\0\0\x01\x85' })), /something else than a storage/],
    [
      'one element seen a billion times',
      dict(tensor({ shape: 'J\x00\x00\x00\x40\x85', strides: 'K\x00\x85' })),
      /larger than its storage/
    ],
    [
      'sizes whose product overflows',
      dict(tensor({ shape: '(JAAAAJAAAAJAAAAt', strides: '(K\0K\0K\0t' })),
      /too large/
    ],
    ['a view of nothing outside', dict(tensor({ offset: 'K\x07', shape: 'K\x00\x85' })), /leaves its storage/],
    ['more strides than sizes', dict(tensor({ strides: '(K\x01K\x01t' })), /one rank/],
    ['one tensor without a name', `${tensor()}.`, /found one tensor/],
    ['a list', '].', /found a list/],
    ['no tensors', '}.', /no tensors/],
    ['a dict that holds itself', `}q\x00${text('model')}h\x00s.`, /no tensors/],
    ['TorchScript', dict(tensor()), [/TorchScript program/, { 'x/constants.pkl': '' }]],
    ['two pickles', dict(tensor()), [/one data\.pkl/, { 'data.pkl': '' }]],
    ['a big-endian file', dict(tensor()), [/big-endian/, { 'x/byteorder': 'big' }]]
  ]
  it.each(refusals)('is refused for %s', async (_, pickle, expected) => {
    const [message, more] = Array.isArray(expected) ? expected : [expected]
    const error = await open(await archive(pickle, more)).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(WeightsError)
    expect((error as WeightsError).code).toMatch(/^E_WEIGHTS_(FORMAT|UNSAFE)$/)
    expect((error as WeightsError).message).toMatch(message)
  })

  it('is refused when cut off anywhere', async () => {
    const whole = new Uint8Array(readFileSync(fixture('torch/training.pth')))
    for (let n = 0; n < whole.length; n += 13)
      await expect(open(whole.subarray(0, n))).rejects.toMatchObject({ code: 'E_WEIGHTS_FORMAT' })
  })
})

describe('writePth', () => {
  it('round trips any tensors', async () => {
    const values = fc.array(fc.float({ noNaN: true }), { maxLength: 6 }).map(x => f32([x.length, 1], x))
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), values, { minKeys: 1 }),
        async tensors => {
          const back = await open(await collect(writePth(tensors, { prefix: 'checkpoint' })))
          expect(back.names).toEqual(Object.keys(tensors))
          for (const name of back.names) expect(await back.read(name)).toEqual(tensors[name])
        }
      )
    )
  })

  it.each(Object.keys(storedBytes) as StoredDType[])('writes %s', async dtype => {
    const source = storedIn(memoryWeights({ a: f32([2, 2], [1, 0, 1, 1]), s: full('f32', [], 1) }), dtype)
    const back = await open(await collect(writePth(source)))
    for (const name of source.names) {
      expect(back.info(name)).toEqual(source.info(name))
      expect(await back.bytes(name)).toEqual(await source.bytes(name))
    }
  })

  it('writes the same bytes every time, and data where torch puts it', async () => {
    const tensors = { a: full('f32', [3], 1), b: full('f32', [70], 2) }
    const bytes = await collect(writePth(tensors))
    expect(await collect(writePth(tensors))).toEqual(bytes)
    expect(Buffer.from(bytes).indexOf(Buffer.from(new Float32Array(70).fill(2).buffer)) % 64).toBe(0)
  })
})
