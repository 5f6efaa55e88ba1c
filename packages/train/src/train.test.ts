import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as Fs from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openWeights } from '@sam/core'
import { ops } from '@sam/core/graph'
import { recognise } from '@sam/core/model'
import { referenceBackend } from '@sam/core/testing'
import { readCheckpoint } from './checkpoint/checkpoint.js'
import { subset } from './data/subset.js'
import { scenes } from '@sam/scenes'
import { heldOut } from './eval/held-out.js'
import { initialParams } from './pretrained/init.js'
import { testRun } from '../test/test-recipe.js'
import type { OptimizerFor } from './optim/optimizer.js'
import { readLog } from './report/log.js'
import { train } from './train.js'

// A simulated full disk: writes to files whose path contains `disk.full` fail.
const disk = vi.hoisted(() => ({ full: '' }))
vi.mock('node:fs/promises', async original => {
  const fs: typeof Fs = await original()
  const full = (path: unknown): boolean => disk.full !== '' && String(path).includes(disk.full)
  const failed = (): never => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  return {
    ...fs,
    appendFile: async (...args: Parameters<typeof fs.appendFile>) =>
      full(args[0]) ? failed() : fs.appendFile(...args),
    open: async (...args: Parameters<typeof fs.open>) => {
      const handle = await fs.open(...args)
      if (full(args[0])) handle.write = async () => failed()
      return handle
    }
  }
})

const recipe = { ...testRun, objects: 1, schedule: { ...testRun.schedule, iterations: 2 } }
const common = { recipe, data: scenes({ size: 64, seed: 1, minArea: 60 }), backend: referenceBackend(), seed: 3 }

describe('train', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sam-train-'))
  })
  afterAll(() => rm(root, { recursive: true }))

  it('ends with the same files whether or not it was stopped and resumed', async () => {
    const [whole, parts] = [join(root, 'whole'), join(root, 'parts')]
    expect(await train({ ...common, folder: whole })).toMatchObject({ iteration: 2, finished: true })
    const stop = new AbortController()
    expect(await train({ ...common, folder: parts, signal: stop.signal, onStep: () => stop.abort() })).toMatchObject({
      iteration: 1,
      finished: false
    })
    await appendFile(join(parts, 'log.jsonl'), '{"iteration":2,"lo') // truncated, as after a crash
    await train({ ...common, folder: parts })
    for (const file of ['checkpoint.safetensors', 'model.safetensors']) {
      expect((await readFile(join(parts, file))).equals(await readFile(join(whole, file))), file).toBe(true)
    }
    expect((await readLog(join(parts, 'log.jsonl'))).map(entry => entry.iteration)).toEqual([1, 2])
    expect(await readFile(join(whole, 'curves.svg'), 'utf8')).toContain('2 iterations')
  })

  it('stores the configuration in the model and in the checkpoint', async () => {
    const source = await openWeights(join(root, 'whole', 'model.safetensors'))
    expect(recognise(source)).toEqual(recipe.config)
    expect(source.info('mask_decoder.iou_token.weight').dtype).toBe('F16')
    await source.close()
    const checkpoint = await openWeights(join(root, 'whole', 'checkpoint.safetensors'))
    expect(recognise(checkpoint)).toEqual(recipe.config) // no shape reveals the number of decoder heads
    await checkpoint.close()
    await expect(readCheckpoint(join(root, 'whole', 'model.safetensors'))).rejects.toMatchObject({
      code: 'E_WEIGHTS_FORMAT'
    })
  })

  it('saves the batch whose loss is not finite', async () => {
    const weights = initialParams(recipe.config, 1)
    weights['mask_decoder.iou_token.weight'].data[0] = NaN
    const folder = join(root, 'bad')
    await expect(train({ ...common, folder, weights })).rejects.toThrow('iteration 1: loss NaN')
    const kept = await openWeights(join(folder, 'not-finite.safetensors'))
    expect(kept.info('image').shape).toEqual([1, 3, 64, 64])
    await kept.close()
  })

  describe('on a full disk', () => {
    afterEach(() => {
      disk.full = ''
    })
    it.each(['checkpoint.safetensors', 'model.safetensors', 'log.jsonl'])(
      'reports it, keeps the last checkpoint and resumes from it: %s',
      async file => {
        const folder = join(root, `full ${file.length}`)
        const stop = new AbortController()
        await train({ ...common, folder, signal: stop.signal, onStep: () => stop.abort() })
        const before = await readFile(join(folder, 'checkpoint.safetensors'))
        disk.full = file
        await expect(train({ ...common, folder })).rejects.toMatchObject({
          code: 'E_WEIGHTS_IO',
          message: expect.stringMatching(/the disk is full; files saved before are intact/) as string
        })
        if (file !== 'model.safetensors')
          expect((await readFile(join(folder, 'checkpoint.safetensors'))).equals(before)).toBe(true)
        expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([])
        disk.full = ''
        await train({ ...common, folder })
        expect(
          (await readFile(join(folder, 'model.safetensors'))).equals(
            await readFile(join(root, 'whole', 'model.safetensors'))
          )
        ).toBe(true)
      }
    )
  })

  it('evaluates before, during and after training without changing it', async () => {
    const folder = join(root, 'evaluated')
    const evaluate = heldOut({
      data: subset(scenes({ size: 64, seed: 2, minArea: 60 }), { from: 0, to: 2 }),
      backend: common.backend,
      folder,
      objects: 2,
      clicks: 2
    })
    await train({ ...common, folder, weights: initialParams(recipe.config, 3), evaluate, evaluateEvery: 5 })
    const log = await readLog(join(folder, 'log.jsonl'))
    expect(log.map(entry => [entry.iteration, 'heldOutClick' in entry])).toEqual([
      [0, true],
      [1, false],
      [2, true]
    ])
    expect(await readFile(join(folder, 'curves.svg'), 'utf8')).toContain('held out, one click')
    expect((await readFile(join(folder, 'sheet.png'))).subarray(1, 4).toString()).toBe('PNG')
    expect(
      (await readFile(join(folder, 'checkpoint.safetensors'))).equals(
        await readFile(join(root, 'whole', 'checkpoint.safetensors'))
      )
    ).toBe(true)
  })

  it('saves when it is stopped during an evaluation', async () => {
    const stop = new AbortController()
    const evaluate = async (): Promise<never> => {
      stop.abort()
      throw stop.signal.reason
    }
    expect(
      await train({ ...common, folder: join(root, 'stopped'), evaluate, evaluateEvery: 1, signal: stop.signal })
    ).toMatchObject({ iteration: 1, finished: false })
    expect(await train({ ...common, folder: join(root, 'stopped') })).toMatchObject({ iteration: 2, finished: true })
  })

  it('refuses a checkpoint or initial weights of another run or model', async () => {
    const whole = join(root, 'whole')
    await expect(train({ ...common, folder: whole, recipe: { ...recipe, name: 'other' } })).rejects.toThrow(
      'must be resumed with its recipe testRun, found other'
    )
    const wider = { ...recipe, config: { ...recipe.config, width: 32 } }
    await expect(train({ ...common, folder: whole, recipe: wider })).rejects.toMatchObject({
      code: 'E_WEIGHTS_MISMATCH'
    })
    const heads = { ...recipe, config: { ...recipe.config, decoder: { ...recipe.config.decoder, heads: 4 } } }
    await expect(train({ ...common, folder: whole, recipe: heads })).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringContaining('config.decoder.heads 2, found 4') as string
    })
    const frozen = { ...recipe, frozenEncoder: true }
    await expect(train({ ...common, folder: whole, recipe: frozen })).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringMatching(
        /found other moments; unexpected: \d+, the first adamw\/m\/image_encoder/
      ) as string
    })
    const sgd: OptimizerFor = () => ({
      name: 'sgd',
      moments: [],
      update: ({ param }, { gradient, rate }) => ({ param: ops.sub(param, ops.mul(gradient, rate)) })
    })
    await expect(train({ ...common, folder: whole, optimizerFor: sgd })).rejects.toThrow(
      'a resumed run must keep its optimizer'
    )
    const fewer = initialParams(recipe.config, 1)
    delete fewer['mask_decoder.iou_token.weight']
    await expect(train({ ...common, folder: join(root, 'fewer'), weights: fewer })).rejects.toThrow(
      /missing: 1\n {4}mask_decoder.iou_token.weight/
    )
    await expect(train({ ...common, folder: join(whole, 'model.safetensors') })).rejects.toMatchObject({
      code: 'E_WEIGHTS_IO'
    })
    await writeFile(
      join(root, 'parts', 'checkpoint.safetensors'),
      (await readFile(join(whole, 'checkpoint.safetensors'))).subarray(0, 5000)
    )
    await expect(train({ ...common, folder: join(root, 'parts') })).rejects.toMatchObject({ name: 'WeightsError' })
  })

  it('refuses data without a usable sample before training starts', async () => {
    const good = await common.data.read(0)
    const empty = {
      size: 3,
      read: async () => ({ ...good, truths: [{ mask: new Uint8Array(good.truths[0].mask.length) }] })
    }
    await expect(train({ ...common, folder: join(root, 'empty'), data: empty })).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('none of 3 samples') as string
    })
  })
})
