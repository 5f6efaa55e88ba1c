import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { toHuggingFace } from './hugging-face.js'
import { openWeights } from './open.js'
import { underMetaNames } from './sam-prefix.js'
import { memoryWeights, merged, renamed, type WeightSource } from './source.js'
import { openZip, readEntry } from './zip.js'
import { writeZip } from './zip-write.js'
import { full } from '../tensor/tensor.js'
import { memoryBytes } from '#io'

/** Checkpoints as people hold them: the tiny SAM of fixtures/, with what stands beside and around it. */
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../../fixtures/${name}`, import.meta.url)))
const plain = await openWeights(fixture('tiny-checkpoint.pth'))
afterAll(() => plain.close())

/** The storages of the tiny SAM with another pickle, as torch.save writes it, and two storages beside them. */
async function around(pickle: Uint8Array): Promise<WeightSource> {
  const file = memoryBytes(fixture('tiny-checkpoint.pth'))
  const files = [{ name: 'x/data.pkl', bytes: () => pickle }]
  for (const entry of (await openZip(file)).values()) {
    const key = /\/(data\/\d+)$/.exec(entry.name)?.[1]
    const data = await readEntry(file, entry, { limit: 1e7 })
    if (key) files.push({ name: `x/${key}`, bytes: () => data })
  }
  for (const [key, size] of [
    ['202', 4],
    ['203', 16]
  ] as const)
    files.push({ name: `x/data/${key}`, bytes: () => new Uint8Array(size) })
  const chunks: Uint8Array[] = []
  for await (const chunk of writeZip(files)) chunks.push(chunk)
  return openWeights(new Uint8Array(Buffer.concat(chunks)))
}

async function expectTheTinySam(source: WeightSource): Promise<void> {
  expect([...source.names].sort()).toEqual([...plain.names].sort())
  expect(source.names).toHaveLength(202)
  for (const name of plain.names.slice(0, 20))
    expect(Buffer.compare(await source.bytes(name), await plain.bytes(name))).toBe(0)
}

describe('openWeights: a .pth', () => {
  it.each(['counter_multisteplr', 'set', 'set_p4', 'dtype', 'microsam_prefix', 'net'])(
    'reads the SAM of a training checkpoint: %s',
    async name => expectTheTinySam(await around(fixture(`torch/beside/${name}.pkl`)))
  )
})

/** A pickle of a dict. */
function dictOf(...items: readonly (readonly [key: string, value: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from([0x80, 2, 0x7d])] // protocol 2, an empty dict
  for (const [key, value] of items)
    parts.push(Uint8Array.from([0x58, key.length, 0, 0, 0]), new TextEncoder().encode(key), value, Uint8Array.of(0x73))
  return new Uint8Array(Buffer.concat([...parts, Uint8Array.of(0x2e)]))
}
const file = memoryBytes(fixture('tiny-checkpoint.pth'))
const pickleEntry = [...(await openZip(file)).values()].find(entry => entry.name.endsWith('data.pkl'))!
/** Without its protocol and its end. */
const samDict = (await readEntry(file, pickleEntry, { limit: 1e7 })).slice(2, -1)

describe('openWeights: a .pth with the SAM under one key', () => {
  const other = dictOf(['epoch', Uint8Array.of(0x4b, 3)]).slice(2, -1)

  it.each(['sam', 'state_dict', 'model', 'module', 'net', 'model_state_dict', 'teacher', 'weights.best'])(
    'reads it under %s, alone and beside other data',
    async key => {
      await expectTheTinySam(await around(dictOf([key, samDict])))
      await expectTheTinySam(await around(dictOf(['epoch', Uint8Array.of(0x4b, 3)], [key, samDict])))
      await expectTheTinySam(await around(dictOf(['optimizer', other], [key, samDict])))
    }
  )

  it('reads it two keys deep', async () => {
    const inner = dictOf(['sam', samDict]).slice(2, -1)
    await expectTheTinySam(await around(dictOf(['model', inner])))
  })

  it('prefers a usual key that holds a SAM to one that holds other tensors', async () => {
    // The dict with its first tensor alone, under another name.
    const end = Buffer.from(samDict).indexOf('image_encoder.patch_embed') - 5
    const first = Buffer.concat([samDict.subarray(0, end), Buffer.from('u')]).toString('latin1')
    const classifier = new Uint8Array(Buffer.from(first.replace('image_encoder', 'class_encoder'), 'latin1'))
    await expectTheTinySam(await around(dictOf(['model', classifier], ['state_dict', samDict])))
  })

  it('keeps all names where two keys hold a SAM', async () => {
    const two = await around(dictOf(['student', samDict], ['teacher', samDict]))
    expect(two.names).toHaveLength(404)
    expect(two.names.filter(name => name.startsWith('student.'))).toHaveLength(202)
  })
})

describe('underMetaNames', () => {
  const other = memoryWeights({ 'loss.weight': full('f32', [3], 1), 'head.image.bias': full('f32', [1], 2) })
  const beside = (source: WeightSource): WeightSource => merged('x', [source, other])

  it.each([
    'model.',
    'sam_model.',
    '_orig_mod.',
    'model_state.sam.',
    'net.module._orig_mod.student.',
    'trainer.state.model.'
  ])('finds the SAM under the prefix %s, beside other tensors', async prefix => {
    await expectTheTinySam(underMetaNames(beside(renamed(plain, name => prefix + name))))
    await expectTheTinySam(underMetaNames(beside(renamed(plain, name => prefix + toHuggingFace(plain.names)(name)))))
  })

  it('removes what torch puts inside a name when only a part is wrapped', async () => {
    const compiled = renamed(plain, name =>
      name.replace(/^image_encoder\./, '$&_orig_mod.').replace(/^mask_decoder\./, '$&module.')
    )
    await expectTheTinySam(underMetaNames(compiled))
  })

  it('keeps what stands beside a SAM that has no prefix', () => {
    expect(underMetaNames(beside(plain)).names).toHaveLength(204)
  })

  it('keeps the names of a file with several SAMs', () => {
    const two = merged(
      'x',
      ['model.', 'ema.'].map(prefix => renamed(plain, name => prefix + name))
    )
    expect(underMetaNames(two).names).toEqual(two.names)
  })

  it('refuses a name that is there with and without a wrapper', () => {
    const two = merged('x', [plain, renamed(plain, name => name.replace(/^image_encoder\./, '$&_orig_mod.'))])
    expect(() => underMetaNames(two)).toThrow('with and without a wrapper')
  })
})
