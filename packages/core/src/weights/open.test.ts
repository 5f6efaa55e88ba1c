import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { openWeights } from './open.js'
import { writePth } from './pth-write.js'
import { writeSafetensors } from './safetensors.js'
import { merged, memoryWeights, renamed } from './source.js'
import { full } from '../tensor/tensor.js'
import { writeFileAtomic } from '#io'

const fixture = (name: string): string => fileURLToPath(new URL(`../../../../fixtures/${name}`, import.meta.url))
const directory = await mkdtemp(join(tmpdir(), 'sam-weights-'))
afterAll(() => rm(directory, { recursive: true }))

const weights = memoryWeights({ a: full('f32', [2], 1), b: full('f32', [3], 2) })

describe('openWeights', () => {
  it('decides by content, not by name', async () => {
    for (const write of [writePth, writeSafetensors]) {
      const path = join(directory, 'weights.bin')
      await writeFileAtomic(path, write(weights))
      const bytes = await readFile(path)
      for (const from of [
        path,
        new URL(`file://${path}`),
        new Uint8Array(bytes),
        new Uint8Array(bytes).buffer,
        new Blob([bytes])
      ]) {
        const source = await openWeights(from)
        expect(source.names).toEqual(['a', 'b'])
        expect(await source.read('b')).toEqual(full('f32', [3], 2))
        expect(source.locate('a') !== undefined).toBe(typeof from === 'string' || from instanceof URL)
        await source.close()
      }
    }
  })

  it('returns an open source as it is', async () => {
    expect(await openWeights(weights)).toBe(weights)
  })

  const head = (text: string): Uint8Array => Uint8Array.from(text.padEnd(600, '\0'), c => c.charCodeAt(0))
  it.each<[string, Uint8Array | string, RegExp]>([
    ['an empty file', new Uint8Array(0), /is empty/],
    ['three bytes', Uint8Array.of(1, 2, 3), /neither/],
    ['a web page', head('<!DOCTYPE html><html>Sign in</html>'), /web page/],
    ['a Git LFS pointer', head('version https://git-lfs.github.com/spec/v1\noid sha256:0'), /git lfs pull/],
    ['gzip', head('\x1f\x8b\x08'), /compressed/],
    ['a tar archive', head(`${'x'.repeat(257)}ustar`), /tar archive/],
    ['GGUF', head('GGUF\x03'), /another framework/],
    ['random text', head('hello'), /neither/],
    ['a zip end without entries', head('PK\x05\x06'), /zip/],
    ['a legacy checkpoint', fixture('torch/legacy.pth'), /before PyTorch 1\.6.*torch\.save\(torch\.load/]
  ])('says what it is instead: %s', async (_, from, message) => {
    await expect(openWeights(from)).rejects.toMatchObject({
      code: 'E_WEIGHTS_FORMAT',
      message: expect.stringMatching(message) as unknown
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['a missing file', join(directory, 'nothing.pth'), /nothing\.pth: no such file/],
    ['a device', '/dev/null', /found a device/],
    ['a directory without a model', directory, /no model\.safetensors/],
    ['a number', 7, /must be a path/],
    ['nothing', undefined, /must be a path/]
  ])('cannot read %s', async (_, from, message) => {
    await expect(openWeights(from as string)).rejects.toMatchObject({
      code: 'E_WEIGHTS_IO',
      message: expect.stringMatching(message) as unknown
    })
  })

  it('opens a directory of Hugging Face, whole or in parts', async () => {
    const whole = await mkdtemp(join(directory, 'whole-'))
    await writeFileAtomic(join(whole, 'model.safetensors'), writeSafetensors(weights))
    const single = await openWeights(whole)
    expect(single.names).toEqual(['a', 'b'])
    await single.close()

    const parts = await mkdtemp(join(directory, 'parts-'))
    const only = (wanted: string) => writeSafetensors(renamed(weights, name => (name === wanted ? name : undefined)))
    await writeFileAtomic(join(parts, '1.safetensors'), only('a'))
    await writeFileAtomic(join(parts, '2.safetensors'), only('b'))
    const index = (map: object) =>
      writeFile(join(parts, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }))
    await index({ a: '1.safetensors', b: '2.safetensors' })
    const source = await openWeights(parts)
    expect(source.names).toEqual(['a', 'b'])
    expect(source.locate('b')!.path).toBe(join(parts, '2.safetensors'))

    await source.close()

    const blobs = new Map(
      await Promise.all(
        ['1.safetensors', '2.safetensors', 'model.safetensors.index.json'].map(
          async name => [name, new Blob([await readFile(join(parts, name))])] as const
        )
      )
    )
    const picked = await openWeights(blobs)
    expect(picked.names).toEqual(['a', 'b'])
    expect(await picked.read('b')).toEqual(await weights.read('b'))
    await picked.close()
    blobs.delete('2.safetensors')
    await expect(openWeights(blobs)).rejects.toThrow("names '2.safetensors', which is not in the directory")

    await index({ a: '../whole/model.safetensors' })
    await expect(openWeights(parts)).rejects.toThrow('not in the directory')
    await index({ a: 1 })
    await expect(openWeights(parts)).rejects.toMatchObject({ code: 'E_WEIGHTS_FORMAT' })
  })

  it('stops at an abort', async () => {
    const reason = new Error('stopped by the test')
    await expect(openWeights(fixture('tiny-checkpoint.pth'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason
    )
    const source = await openWeights(fixture('tiny-checkpoint.pth'))
    await expect(source.read(source.names[0], AbortSignal.abort(reason))).rejects.toBe(reason)
    await source.close()
    await expect(source.read(source.names[0])).rejects.toMatchObject({ code: 'E_WEIGHTS_IO' })
  })
})

describe('merged', () => {
  it('lets the last source win and closes all', async () => {
    let closed = 0
    const counted = {
      ...weights,
      close: async () => {
        closed++
      }
    }
    const both = merged('both', [
      counted,
      { ...counted, ...memoryWeights({ b: full('f32', [1], 9) }), close: counted.close }
    ])
    expect(both.names).toEqual(['a', 'b'])
    expect(both.info('b').shape).toEqual([1])
    await both.close()
    expect(closed).toBe(2)
  })
})
