import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rankLimit, tensorLimit } from './limits.js'
import { openWeights } from './open.js'
import { weightSource } from './source.js'
import { writeZip } from './zip-write.js'
import { SamError } from '../errors.js'
import { parseConfig } from '../sam/parse-config.js'
import { recognise } from '../sam/recognise.js'

/** Small files that blocked the process, ended it, or gave an error without a type. */
const hostile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../../fixtures/hostile/${name}`, import.meta.url)))
const errorOf = async (run: () => unknown): Promise<SamError> => {
  try {
    await run()
  } catch (error) {
    expect(error).toBeInstanceOf(SamError)
    expect((error as SamError).message.length).toBeLessThan(9000)
    return error as SamError
  }
  throw new Error('did not throw')
}
const textOf = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes)

/** A safetensors file of this header, with no data. */
function headerOnly(json: string): Uint8Array {
  const header = new TextEncoder().encode(json)
  const out = new Uint8Array(8 + header.length)
  new DataView(out.buffer).setBigUint64(0, BigInt(header.length), true)
  out.set(header, 8)
  return out
}

async function archive(pickle: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const files = { 'x/data.pkl': pickle, 'x/data/0': new Uint8Array(4) }
  for await (const chunk of writeZip(Object.entries(files).map(([name, data]) => ({ name, bytes: () => data }))))
    chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

describe('a hostile checkpoint', () => {
  it.each(['p-laughs25.pth', 'p-laughs60.pth'])('is refused when a global is no pair of texts: %s', async name => {
    const error = await errorOf(() => openWeights(hostile(name)))
    expect(error.code).toBe('E_WEIGHTS_UNSAFE')
    expect(error.message).toMatch(/names a global by .* instead of two texts/)
  })

  it.each([
    ['cfg-mm999999.safetensors', 'must have 4 dimensions and elements'],
    ['sam-mt1e9.safetensors', 'must have 4 dimensions and elements']
  ])('is refused before a graph is built: %s', async (name, message) => {
    const source = await openWeights(hostile(name))
    expect((await errorOf(() => recognise(source, { decoderHeads: 4 }))).message).toContain(message)
  })

  it.each([
    ['cfg-depth999999.json', 'depth must be a whole number from 1 to 64, found 999999'],
    ['samconfig-14530.bin', 'window must be a whole number from 1 to 128, found 999999']
  ])('is refused as a configuration: %s', async (name, message) => {
    expect((await errorOf(() => parseConfig(textOf(hostile(name)), name))).message).toContain(message)
  })

  it('has its names escaped in messages', async () => {
    const source = await openWeights(hostile('esc.safetensors'))
    const error = await errorOf(() => source.info('\x1b[2Jx\u202ey\nz'))
    expect(error.message).toContain("'\\x1b[2Jx\\u202ey\\nz'")
  })

  it('is refused at its first member when its header is 98 MB of empty objects', async () => {
    const json = `{${Array.from({ length: 1000 }, (_, i) => `"${i}":{}`).join(',')},${'"a":{},'.repeat(14_000_000)}"b":{}}`
    const before = process.memoryUsage().heapUsed
    expect((await errorOf(() => openWeights(headerOnly(json)))).message).toContain("tensor '0' has the type undefined")
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(400e6)
  })

  it('is refused for too many tensors, names, dimensions and metadata', async () => {
    const tensor = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    const members = (count: number, value: string) =>
      Array.from({ length: count }, (_, i) => `"${i}":${value}`).join(',')
    for (const [json, message] of [
      [`{${members(tensorLimit + 1, tensor)}}`, 'at most 100000 tensors'],
      [`{"${'x'.repeat(2000)}":${tensor}}`, 'names must have at most 1024 characters'],
      [`{"a":{"dtype":"F32","shape":[${'1,'.repeat(rankLimit)}0],"data_offsets":[0,0]}}`, 'at most 64 whole numbers'],
      [`{"__metadata__":{${members(10_001, '""')}}}`, 'at most 10000 texts'],
      [`{"__metadata__":[${'[],'.repeat(1_000_000)}[]]}`, 'more than 1000000 objects'],
      [`{"a":{"shape":[${'0,'.repeat(5_000_000)}0]}}`, 'more than 4000000 elements']
    ] as const)
      expect((await errorOf(() => openWeights(headerOnly(json)))).message).toContain(message)
  })

  it('is read in proportion to its size when many tensors share one shape', async () => {
    const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`
    const opcodes = (rank: number): string =>
      `(${'K\x01'.repeat(rank)}tq\x00` + // the shape, memorised as 0
      `(${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}K\x01tQq\x01` +
      'ctorch._utils\n_rebuild_tensor_v2\nq\x02' +
      `000}(` +
      Array.from({ length: 80_000 }, (_, i) => `${text(`t${i}`)}h\x02(h\x01K\x00h\x00h\x00\x89NtR`).join('') +
      'u.'
    const bytes = (rank: number) => archive(Uint8Array.from(opcodes(rank), c => c.charCodeAt(0)))
    expect((await openWeights(await bytes(3))).names).toHaveLength(80_000)
    expect((await errorOf(async () => openWeights(await bytes(10_000)))).message).toContain('something else than')
  })

  it('is refused when a tensor is rebuilt of itself', async () => {
    const pickle =
      'ctorch._tensor\n_rebuild_from_type_v2\nq\x00' +
      ']q\x01(h\x00Nh\x01e0' + // a list that holds the global, None and itself
      'h\x00(h\x00Nh\x01tR.'
    const bytes = await archive(Uint8Array.from(pickle, c => c.charCodeAt(0)))
    expect((await errorOf(() => openWeights(bytes))).message).toContain('makes a tensor in an unknown way')
  })

  it('never names more than a part of a long name', async () => {
    const long = 'x'.repeat(2 ** 20)
    const pickle = `c${long}\ny\n.`
    const error = await errorOf(async () => openWeights(await archive(Uint8Array.from(pickle, c => c.charCodeAt(0)))))
    expect(error.message.length).toBeLessThan(400)
    const missing = await errorOf(() => weightSource('x', []).info(long))
    expect(missing.message.length).toBeLessThan(400)
  })
})
