import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configLimits } from '../../../packages/core/src/sam/parse-config.js'
import { fixture, sam, tinyConfig, workFolder } from './sam.js'

describe('sam inspect, a hostile file', async () => {
  const folder = await workFolder()

  it.each([
    'p-laughs25.pth',
    'p-laughs60.pth',
    'cfg-depth999999.json',
    'cfg-mm999999.safetensors',
    'sam-mt1e9.safetensors',
    'samconfig-14530.json',
    'tokenizer-254.json'
  ])('reports one short error: %s', async name => {
    const file = join(folder, name)
    await copyFile(fixture(`hostile/${name.replace(/(14530|254)\.json/, '$1.bin')}`), file)
    const { code, out, err } = await sam(['inspect', file, '--decoder-heads', '4'])
    // A SAM whose values cannot be right is listed, with the reason.
    if (name.endsWith('.safetensors')) {
      expect(code).toBe(0)
      expect(out).toMatch(/a SAM\n[^]*must have 4 dimensions and elements/)
    } else {
      expect(code).toBe(1)
      expect(err).toMatch(/^sam: .{1,1000}\n$/)
    }
  })

  it('shows control characters of names and notes as escapes', async () => {
    const { code, out } = await sam(['inspect', fixture('hostile/esc.safetensors')])
    expect(code).toBe(0)

    expect(out).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/)
    expect(out).toContain('ten\\x1b[8msor\\nname')
    expect(out).toContain('note\\x1b[31m: \\x1b]0;PWNED\\x07\\x1b[2J\\x1b[1;1Hhello\\x0d\\nfake line')
  })

  it('computes the cost of the largest model that a configuration may describe', async () => {
    const most = (ranges: object): object =>
      Object.fromEntries(
        Object.entries(ranges).map(([key, range]) => [
          key,
          'to' in (range as object) ? (range as { to: number }).to : most(range as object)
        ])
      )
    const limits = most(configLimits) as Record<string, object>
    const config = {
      ...(JSON.parse(tinyConfig) as object),
      ...limits,
      imageEncoder: { ...limits.imageEncoder, patchSize: 32, globalBlocks: [0] }
    }
    const file = join(folder, 'largest.json')
    await writeFile(file, JSON.stringify(config))
    expect((await sam(['inspect', file])).code).toBe(0)
  })
})

describe('sam predict, a scientific picture', async () => {
  const folder = await workFolder()
  const predict = async (name: string, ...options: string[]) => {
    return sam([
      'predict',
      fixture(`images/${name}`),
      '--model',
      'tiny',
      '--point',
      '5,5',
      '--out',
      join(folder, 'out'),
      ...options
    ])
  }

  it('names --window where the samples need it, and accepts it', async () => {
    const { code, err } = await predict('i16.tif')
    expect(code).toBe(1)
    expect(err).toContain('--window=-5000,12800')
    expect((await predict('i16.tif', '--window=-5000,12800', '--json', '--format', 'rle')).code).toBe(0)
    expect((await predict('i16.tif', '--window', '5')).code).toBe(2)
    expect((await predict('b4_minisblack.tif', '--bands', '9,1,2')).err).toContain('bands must be from 1 to 4')
  })

  it('names the format of a file that it cannot read', async () => {
    expect((await predict('x.heic')).err).toMatch(/^sam: .*x\.heic: is HEIC \(HEVC\), which this sharp does not read/)
  })
})
