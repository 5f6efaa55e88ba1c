import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadClip } from '@sam/clip'
import { referenceBackend } from '@sam/core/testing'
import { readCheckpoint } from '@sam/train/toolkit'
import { scenes } from '@sam/scenes'
import { labelGroupsOf, contrastiveBatches } from './batches.js'
import { clipTiny, type ClipRecipe } from './recipe.js'
import { trainClip, type ClipStepReport } from './train-clip.js'
import { initialClip } from './step.js'

const tower = { width: 8, depth: 1, heads: 2, mlpWidth: 16 }
const recipe: ClipRecipe = {
  ...clipTiny,
  name: 'test',
  batch: 6,
  phrases: 4,
  scenes: 2,
  steps: 2,
  schedule: { rate: 3e-3, warmup: 1, steps: [], iterations: 4 },
  config: {
    ...clipTiny.config,
    projection: 8,
    text: { ...clipTiny.config.text, ...tower },
    vision: { ...tower, imageSize: 16, patchSize: 8 }
  }
}
const data = scenes({ size: 96, seed: 11 })
const backend = referenceBackend()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-contrast-'))
})
afterAll(() => rm(folder, { recursive: true }))

const run = async (
  name: string,
  signal?: AbortSignal,
  onStep?: (r: ClipStepReport) => void
): Promise<ClipStepReport[]> => {
  const reports: ClipStepReport[] = []
  await trainClip({
    recipe,
    data,
    backend,
    folder: join(folder, name),
    ...(signal && { signal }),
    onStep: r => {
      reports.push(r)
      onStep?.(r)
    }
  })
  return reports
}

describe('contrastiveBatches', () => {
  it('is a function of seed and step, with the matches of crops and phrases', async () => {
    const batches = contrastiveBatches(data, recipe, 3)
    const first = await batches(1)
    await batches(2)
    expect(await batches(1)).toEqual(first)
    expect(await contrastiveBatches(data, recipe, 4)(1)).not.toEqual(first)
    const texts = labelGroupsOf(recipe).reduce((a, b) => a + b, 0)
    const row = (i: number): number[] => [...first.matches.data.slice(i * texts, (i + 1) * texts)]
    for (let i = 0; i < 4; i++) expect([row(i)[i], row(i)[i + 4]]).toEqual([1, 0])
    for (let i = 0; i < 6; i++) {
      const [phrases, ...words] = labelGroupsOf(recipe)
      let at = phrases
      for (const size of words)
        expect(
          row(i)
            .slice(at, (at += size))
            .some((match, _, all) => match === 1 || all.every(t => t === -1)),
          String(at)
        ).toBe(true)
    }
    expect(first.matches.shape).toEqual([6, texts])
    expect(first.input_ids.shape).toEqual([texts, recipe.tokens])
    expect(first.pixel_values.shape).toEqual([6, 3, 16, 16])
  })
  it('needs data with descriptions', async () => {
    const undescribed = { ...data, read: async (i: number) => ({ ...(await data.read(i)), truths: [] }) }
    await expect(contrastiveBatches(undescribed, recipe, 1)(0)).rejects.toMatchObject({ code: 'E_BAD_IMAGE' })
  })
})

describe('trainClip', () => {
  it('starts from the given params', async () => {
    const weights = initialClip(recipe.config, 9)
    const given = join(folder, 'given')
    expect(
      await trainClip({ recipe, data, backend, folder: given, weights, signal: AbortSignal.abort() })
    ).toMatchObject({ iteration: 0, finished: false })
    const { state } = await readCheckpoint(join(given, 'checkpoint.safetensors'))
    for (const [name, { data: values }] of Object.entries(weights)) expect(state[name].data, name).toEqual(values)
  })
  it('ends with the same bytes whether or not it was stopped and resumed, and saves a CLIP', async () => {
    const whole = await run('whole')
    const stop = new AbortController()
    const before = await run('stopped', stop.signal, r => {
      if (r.iteration === 2) stop.abort()
    })
    const after = await run('stopped')
    expect([...before, ...after]).toEqual(whole)
    const files = [
      'model.safetensors',
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'preprocessor_config.json'
    ]
    for (const name of files)
      expect(
        (await readFile(join(folder, 'stopped/clip', name))).equals(await readFile(join(folder, 'whole/clip', name))),
        name
      ).toBe(true)

    await using clip = await loadClip({ model: join(folder, 'whole/clip'), backend })
    const [phrase] = await clip.embed(['a striped red circle'])
    expect(phrase).toHaveLength(8)
    expect(clip.scale).toBeCloseTo(recipe.largestScale, 1)
  })
  it("refuses to resume another recipe's run", async () => {
    await expect(
      trainClip({ recipe: { ...recipe, name: 'other' }, data, backend, folder: join(folder, 'whole') })
    ).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })
})
