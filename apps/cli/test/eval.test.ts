import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '@sam/core'
import { sam, workFolder } from './sam.js'

const few = ['--model', 'tiny', '--objects', '3', '--clicks', '2']
const square = (size: number, inside: (x: number, y: number) => boolean): Promise<Uint8Array> =>
  encodePng({
    width: size,
    height: size,
    channels: 1,
    data: Uint8Array.from({ length: size * size }, (_, i) => (inside(i % size, Math.floor(i / size)) ? 255 : 0))
  })

describe('sam eval', async () => {
  const folder = await workFolder()
  const at = (...names: string[]) => join(folder, ...names)

  beforeAll(async () => {
    for (const name of ['mine/images', 'mine/masks', 'sa1b', 'empty']) await mkdir(at(name), { recursive: true })
    for (const [name, inside] of [
      ['a', (x: number) => x < 20],
      ['b', () => false],
      ['c', (x: number) => x < 9]
    ] as const) {
      await writeFile(at('mine/images', `${name}.png`), await square(48, (x, y) => x > y))
      await writeFile(at('mine/masks', `${name}.png`), await square(48, inside))
    }
    const other = { width: 40, height: 48, channels: 1, data: new Uint8Array(40 * 48).fill(255, 0, 400) } as const
    await writeFile(at('mine/masks/c.png'), await encodePng(other))
    await writeFile(at('sa1b/sa_1.jpg'), await square(48, x => x > 9))
    await writeFile(at('sa1b/sa_1.json'), '{"annotations": [{"segmentation": {"size"')
  }, 60_000)

  it('prints tables, and writes JSON and a curve', async () => {
    const { code, out, err } = await sam(['eval', '--data', 'scenes:3:64', ...few, '--out', at('results')])
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('evaluating on scenes:3:64') as string })
    expect(out).toMatch(/^3 objects of \d images; skipped: 0 images, 0 masks\n/)
    for (const line of [
      /^one click, all +3 +0\.\d{3} +0\.\d{3}$/m,
      /^box +3 /m,
      /^box, single mask +3 +0\.\d{3}$/m,
      /^clicks +1 +2$/m,
      /^IoU 0\.9 +2\.00 +0\.00%$/m,
      /^recalled from \d ambiguous clicks/m
    ])
      expect(out).toMatch(line)
    expect(JSON.parse(await readFile(at('results/evaluation.json'), 'utf8'))).toMatchObject({
      objects: 3,
      clicks: [expect.any(Number), expect.any(Number)]
    })
    expect(await readFile(at('results/clicks.svg'), 'utf8')).toMatch(/^<svg/)
  })

  it('prints only JSON with --json, and counts skipped masks', async () => {
    const { code, out, err } = await sam(['eval', at('mine'), ...few, '--json', '--quiet'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({
      objects: 1,
      images: 1,
      skipped: { images: 2, masks: 2 },
      model: expect.any(String),
      data: `folder:${at('mine')}`,
      scores: [{ image: 'a.png', clicks: [expect.any(Number), expect.any(Number)] }]
    })
  })

  it.each([
    ['an unknown form of data', ['--data', 'voc:x'], 2, '--data voc:x: it must be scenes'],
    ['scenes of a size out of range', ['--data', 'scenes:1:9'], 2, '32 … 4096'],
    ['COCO without its images', ['--data', 'coco:x.json'], 2, 'coco:FILE.json,FOLDER'],
    ['a folder and --data', ['x', '--data', 'scenes'], 2, 'give a folder or --data, not both'],
    ['no objects', ['--objects', '0'], 2, '--objects must be a whole number from 1'],
    [
      'a missing folder',
      ['--data', `folder:${join(folder, 'nowhere')}`],
      1,
      'must hold the folders images and masks: ENOENT'
    ],
    ['a folder without the format', ['--data', `sa1b:${join(folder, 'empty')}`], 1, 'found 0 files and no pair'],
    [
      'data without a usable image',
      ['--data', `sa1b:${join(folder, 'sa1b')}`],
      1,
      'found none; 1 images were unreadable or without masks'
    ],
    ['a missing annotation file', ['--data', `coco:${join(folder, 'no.json')},${folder}`], 1, 'ENOENT'],
    ['a missing checkpoint', ['--checkpoint', join(folder, 'no.pth')], 1, 'no such file']
  ] as const)('reports %s', async (_, argv, code, message) => {
    expect(
      await sam([
        'eval',
        '--quiet',
        ...((argv as readonly string[]).includes('--checkpoint') ? [] : ['--model', 'tiny']),
        ...argv
      ])
    ).toMatchObject({
      code,
      out: '',
      err: expect.stringContaining(message) as string
    })
  })

  it('exits with 130 when aborted', async () => {
    expect(
      await sam(['eval', '--quiet', '--model', 'tiny'], { signal: AbortSignal.abort(new Error('stopped')) })
    ).toMatchObject({
      code: 130,
      out: ''
    })
  })
})
