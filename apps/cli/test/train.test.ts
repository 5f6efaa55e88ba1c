import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { lockFolder } from '@sam/train'
import { meter } from '../src/meter.js'
import { sam, small, workFolder } from './sam.js'

describe('sam train', async () => {
  const folder = await workFolder()
  const at = (...names: string[]) => join(folder, ...names)
  const train = (out: string, ...argv: string[]) => sam(['train', '--out', at(out), '--threads', '1', ...argv])
  const tiny = ['--recipe', 'tiny', '--config', at('small.json'), '--eval-every', '0']

  beforeAll(async () => {
    await writeFile(at('small.json'), JSON.stringify(small))
    await writeFile(at('cut.json'), '{ "batch": ')
    await writeFile(at('wrong.json'), '{ "learningRate": 1 }')
    for (const name of ['mine/images', 'mine/masks', 'empty/images', 'empty/masks'])
      await mkdir(at(name), { recursive: true })
    for (let i = 0; i < 10; i++) {
      const inside = (k: number): boolean => k % 48 > 8 + i && k % 48 < 30 && k > 48 * 10 && k < 48 * 35
      const picture = (value: (k: number) => number) =>
        encodePng({
          width: 48,
          height: 48,
          channels: 1,
          data: Uint8Array.from({ length: 48 * 48 }, (_, k) => value(k))
        })
      await writeFile(at('mine/images', `${i}.png`), await picture(k => (inside(k) ? 200 : 40)))
      await writeFile(
        at('mine/masks', `${i}.png`),
        i === 3 ? 'no picture' : await picture(k => (inside(k) && i !== 4 ? 255 : 0))
      )
      await writeFile(at('empty/images', `${i}.png`), await picture(() => 9))
      await writeFile(at('empty/masks', `${i}.png`), await picture(() => 0))
    }
  }, 60_000)

  it('trains, evaluates, and leaves a model that sam predict opens', async () => {
    const { code, out, err } = await train(
      'run',
      ...tiny,
      '--eval-every',
      '2',
      '--held-out',
      'scenes:5:64',
      '--iterations',
      '2',
      '--json'
    )
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringMatching(
        /█ {2}2 of 2 {2}loss [\d.]+ {2}IoU [\d.]+, later [\d.]+ {2}[\d.]+ images\/s {2}0 s left {2}held out 0\./
      ) as string
    })
    expect(JSON.parse(out)).toMatchObject({
      iteration: 2,
      finished: true,
      skipped: 0,
      heldOut: { heldOutClick: expect.any(Number), heldOutBox: expect.any(Number) }
    })
    expect((await readdir(at('run'))).sort()).toEqual([
      'checkpoint.safetensors',
      'curves.svg',
      'log.jsonl',
      'model.safetensors',
      'run.json',
      'sheet.png'
    ])
    await writeFile(at('photo.png'), await readFile(at('mine/images/0.png')))
    expect(
      await sam([
        'predict',
        at('photo.png'),
        '--checkpoint',
        at('run/model.safetensors'),
        '--point',
        '20,20',
        '--json',
        '--format',
        'rle',
        '--quiet'
      ])
    ).toMatchObject({ code: 0 })
  })

  it('goes on with a model on a finer grid', async () => {
    const fine = [
      '--recipe',
      'tinyFine',
      '--config',
      at('small.json'),
      '--checkpoint',
      at('run/model.safetensors'),
      '--iterations',
      '1',
      '--eval-every',
      '0'
    ]
    expect(await train('fine', ...fine)).toMatchObject({ code: 0 })
    expect(await sam(['inspect', at('fine/model.safetensors')])).toMatchObject({
      code: 0,
      out: expect.stringContaining('"patchSize":8') as string
    })
  })

  it('fits the decoder of a model to a folder of images, passing over what is unfit', async () => {
    const { code, out, err } = await train(
      'mine-run',
      '--recipe',
      'finetuneDecoder',
      '--checkpoint',
      at('run/model.safetensors'),
      '--config',
      at('small.json').replace('small', 'few'),
      '--data',
      `folder:${at('mine')}`,
      '--iterations',
      '8',
      '--eval-every',
      '8',
      '--dtype',
      'f32'
    ).then(async first => {
      expect(first).toMatchObject({ code: 1, err: expect.stringContaining('few.json: no such file') as string })
      await writeFile(at('few.json'), JSON.stringify({ batch: 1, microBatch: 1, objects: 1, plan: small.plan }))
      return train(
        'mine-run',
        '--recipe',
        'finetuneDecoder',
        '--checkpoint',
        at('run/model.safetensors'),
        '--config',
        at('few.json'),
        '--data',
        `folder:${at('mine')}`,
        '--iterations',
        '8',
        '--eval-every',
        '8',
        '--dtype',
        'f32'
      )
    })
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(out).toMatch(
      /^8 iterations; [1-9] samples skipped, unusable or without a usable mask\nheld out +mean IoU\none click +0\./
    )
    const log = (await readFile(at('mine-run/log.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, number>)
    expect(log.filter(entry => 'heldOutClick' in entry).map(entry => entry.iteration)).toEqual([0, 8])
  })

  it('teaches a model phrases, by the crops of a CLIP', async () => {
    const few = { batch: 1, microBatch: 1, objects: 1, plan: small.plan }
    await writeFile(at('text.json'), JSON.stringify(few))
    const { code, err } = await train(
      'text',
      '--recipe',
      'tinyText',
      '--checkpoint',
      at('run/model.safetensors'),
      '--config',
      at('text.json'),
      '--iterations',
      '1',
      '--eval-every',
      '0'
    )
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('training tinyText') as string })
    expect(await sam(['inspect', at('text/model.safetensors')])).toMatchObject({
      code: 0,
      out: expect.stringContaining('text_projection') as string
    })
  })

  it('stopped by Ctrl-C says how to go on, and going on ends with the same bytes', async () => {
    const stop = new AbortController()
    const { code, err } = await sam(['train', '--out', at('parts'), '--threads', '1', ...tiny, '--iterations', '2'], {
      signal: stop.signal,
      onErr: text => {
        if (text.includes('1 of 2')) stop.abort()
      }
    })
    expect({ code, err }).toEqual({
      code: 130,
      err: expect.stringMatching(
        /stopped after iteration 1 of 2, which is saved; to continue: sam train --resume --out ".*parts"\n$/
      ) as string
    })
    expect(await train('parts', '--resume', '--eval-every', '0')).toMatchObject({ code: 0 })
    for (const file of ['checkpoint.safetensors', 'model.safetensors']) {
      expect((await readFile(at('parts', file))).equals(await readFile(at('run', file))), file).toBe(true)
    }
  })

  it('goes on longer when told, with nothing else', async () => {
    expect(await train('parts', '--resume', '--iterations', '3', '--eval-every', '0')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^3 iterations/) as string
    })
  })

  it('stops at a loss that is not a number, and keeps the batch', async () => {
    await writeFile(at('wild.json'), JSON.stringify({ ...small, schedule: { rate: 1e30, warmup: 0 } }))
    const { code, out } = await train(
      'wild',
      '--recipe',
      'tiny',
      '--config',
      at('wild.json'),
      '--iterations',
      '9',
      '--eval-every',
      '0',
      '--json',
      '--quiet'
    )
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'E_NOT_FINITE', message: expect.stringContaining('not-finite.safetensors') as string }
    })
    expect(await readdir(at('wild'))).toContain('not-finite.safetensors')
  })

  it.each([
    ['an unknown recipe', ['--recipe', 'huge'], 2, 'Allowed choices are vitH'],
    [
      'a CLIP where there is no text',
      ['--recipe', 'tiny', '--clip', 'x'],
      2,
      '--clip is for recipes with text prompts'
    ],
    ['no CLIP', ['--recipe', 'tinyText', '--clip', join(folder, 'nowhere')], 1, 'config.json'],
    ['no recipe', [], 2, '--recipe must be one of vitH'],
    ['no data', ['--recipe', 'vitB'], 2, '--recipe vitB needs --data'],
    [
      'a configuration cut short',
      ['--recipe', 'tiny', '--config', join(folder, 'cut.json')],
      2,
      'cut.json: it is not whole JSON'
    ],
    [
      'a number that no recipe has',
      ['--recipe', 'tiny', '--config', join(folder, 'wrong.json')],
      1,
      'learningRate must be one of name'
    ],
    ['a missing folder', ['--recipe', 'finetuneDecoder', '--data', `folder:${join(folder, 'nowhere')}`], 1, 'ENOENT'],
    [
      'images without masks',
      ['--recipe', 'finetuneDecoder', '--data', `folder:${join(folder, 'empty')}`],
      1,
      'none of 9 samples can be used'
    ],
    [
      'a checkpoint of another model',
      ['--recipe', 'tiny', '--checkpoint', join(folder, 'run/model.safetensors')],
      1,
      'the checkpoint does not fit the model'
    ],
    ['nothing to go on with', ['--resume'], 2, 'must contain a run of sam train']
  ] as const)('says what is wrong, and makes no folder: %s', async (_, argv, code, message) => {
    expect(await train('none', ...argv)).toMatchObject({
      code,
      out: '',
      err: expect.stringContaining(message) as string
    })
    expect(await readdir(folder)).not.toContain('none')
  })

  it('never mixes two runs', async () => {
    expect(await train('run', ...tiny)).toMatchObject({
      code: 2,
      err: expect.stringContaining('already contains a run: add --resume') as string
    })
    for (const [argv, message] of [
      [['--recipe', 'vitB'], 'started with --recipe tiny and must resume with it, found --recipe vitB'],
      [['--seed', '7'], '--seed 1'],
      [['--data', 'scenes:3'], '--data scenes'],
      [['--config', at('small.json')], 'omit --config'],
      [['--checkpoint', 'x.pth'], 'no --checkpoint']
    ] as const)
      expect(await train('run', '--resume', ...argv)).toMatchObject({
        code: 2,
        err: expect.stringContaining(message) as string
      })
    const lock = await lockFolder(at('run'))
    expect(await train('run', '--resume')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`process ${process.pid}`) as string
    })
    await lock.release()
    await writeFile(at('run/run.json'), '{}')
    expect(await train('run', '--resume')).toMatchObject({
      code: 2,
      err: expect.stringContaining('its recipe must be one of') as string
    })
    await rm(at('run/run.json'))
  })

  it('resumes with the stored recipe, whose optional settings may be fewer than today', async () => {
    const plan = JSON.parse(await readFile(at('fine/run.json'), 'utf8')) as { recipe: Record<string, unknown> }
    const { muon, ...older } = plan.recipe
    expect(muon).toBeDefined()
    await writeFile(at('fine/run.json'), JSON.stringify({ ...plan, recipe: older }))
    await rm(at('fine/checkpoint.safetensors'))
    expect(await train('fine', '--resume', '--eval-every', '0')).toMatchObject({ code: 0 })
    expect((JSON.parse(await readFile(at('fine/run.json'), 'utf8')) as typeof plan).recipe).toEqual(older)
  })

  it('resumes text training with the CLIP that it was started with alone', async () => {
    const clip = fileURLToPath(new URL('.', tinyModel().clip.model.weights))
    await cp(clip, at('clip'), { recursive: true })
    const few = ['--recipe', 'tinyText', '--config', at('text.json'), '--eval-every', '0', '--iterations', '1']
    expect(
      await train('clip-run', ...few, '--checkpoint', at('run/model.safetensors'), '--clip', at('clip'))
    ).toMatchObject({ code: 0 })
    expect(await train('clip-run', '--resume', '--eval-every', '0')).toMatchObject({ code: 0 })
    const weights = await readFile(at('clip/model.safetensors'))
    weights[weights.length - 1] ^= 1
    await writeFile(at('clip/model.safetensors'), weights)
    expect(await train('clip-run', '--resume', '--eval-every', '0')).toMatchObject({
      code: 2,
      err: expect.stringContaining('must resume with the CLIP that it was started with') as string
    })
  })

  it('refuses a folder that is a file', async () => {
    expect(await train('small.json', ...tiny)).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is a file of that name') as string
    })
  })
})

it('the meter says a line a minute where there is no terminal, and each time on one', () => {
  const [told, noted]: string[][] = [[], []]
  const show = meter({ iterations: 400, tell: line => told.push(line), note: line => noted.push(line) })
  const step = {
    rate: 1,
    loss: 2,
    maskLoss: 1,
    iouError: 0,
    gradientNorm: 1,
    firstIou: 0.5,
    laterIou: 0.25,
    skipped: 0,
    skippedMasks: 0,
    imagesPerSecond: 3,
    secondsLeft: 600
  }
  for (const iteration of [100, 101, 102]) show({ ...step, iteration, loss: iteration - 100 })
  show({ ...step, iteration: 200, evaluation: { heldOutClick: 0.7 } })
  expect([told.length, noted.length]).toEqual([4, 2])
  expect(told[2]).toBe(
    '█████░░░░░░░░░░░░░░░  102 of 400  loss 1.000  IoU 0.500, later 0.250  3.0 images/s  10 min left'
  )
  expect(noted[1]).toMatch(/held out 0\.700$/)
})
