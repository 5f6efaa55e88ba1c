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
