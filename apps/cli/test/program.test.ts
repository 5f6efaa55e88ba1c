import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { printable } from '@sam/core/graph'
import { progressOn } from '../src/progress.js'
import { json, short, table } from '../src/text.js'
import { fixture, sam, small, workFolder } from './sam.js'

describe('sam', () => {
  it('prints help and version on stdout', async () => {
    for (const argv of [['--help'], ['help', 'predict'], ['predict', '--help'], ['--version']]) {
      const { code, out, err } = await sam(argv)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).not.toBe('')
    }
  })

  it('shows a line break of an argument so that it cannot imitate a message', async () => {
    const { err } = await sam(['predict', 'a\nsam: all is well\u001b[2J', '--point', '1,1', '--model', 'tiny'])
    expect(err.split('\n').filter(line => line.startsWith('sam: '))).toHaveLength(1)
  })

  it('exits with 2 for an unknown command', async () => {
    expect(await sam([])).toMatchObject({ code: 2, out: '' })
    expect(await sam(['predikt'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/unknown command 'predikt'.*\n.*predict/) as string
    })
    const asJson = await sam(['predikt', '--json'])
    expect(asJson).toMatchObject({ code: 2, err: '' })
    expect(JSON.parse(asJson.out)).toMatchObject({ error: { code: 'E_USAGE' } })
  })
})

const bin = fileURLToPath(new URL('../bin/sam.js', import.meta.url))
const built = existsSync(new URL('../dist/main.js', import.meta.url))

/** Behaviour of the built program, in its own process. */
describe.skipIf(!built)('the program', async () => {
  const folder = await workFolder()
  const start = (...argv: string[]) => spawn(process.execPath, [bin, ...argv], { cwd: folder })
  const ended = (child: ReturnType<typeof start>) => new Promise<number | null>(done => child.on('close', done))

  it('accepts a reader that closes early', async () => {
    const child = start('inspect', 'vit_h', '--graph')
    let complaints = ''
    child.stderr.on('data', text => {
      complaints += String(text)
    })
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await ended(child)).toBe(0)
    expect(complaints).toBe('')
  })

  it.runIf(existsSync('/dev/full'))('exits with 1 where stdout is full', async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [bin, 'inspect', 'vit_b'], { stdio: ['ignore', full, 'pipe'] })
    let told = ''
    child.stderr!.on('data', text => {
      told += String(text)
    })
    expect(await new Promise(done => child.on('close', done))).toBe(1)
    closeSync(full)
    expect(told).toBe('sam: cannot write to standard output: the disk is full\n')
  })

  it('exits with 130 when interrupted while it waits for standard input', async () => {
    const child = start('predict', '-', '--model', 'tiny', '--point', '1,1')
    let told = ''
    child.stderr.on('data', text => {
      told += String(text)
    })
    // Larger than the buffer of a pipe: accepted only when the program reads.
    child.stdin.on('error', () => {})
    child.stdin.write(new Uint8Array(1 << 20), () => child.kill('SIGINT'))
    expect(await ended(child)).toBe(130)
    expect(told).toBe('sam: stopped; no file is incomplete\n')
  })

  it('names the temporary folder where weights cannot be written to it', async () => {
    const child = spawn(process.execPath, [bin, 'predict', fixture('../apps/cli/assets/cat.jpg'), '--point', '9,9'], {
      cwd: folder,
      env: { ...process.env, TMPDIR: join(folder, 'none') }
    })
    let told = ''
    child.stderr.on('data', text => {
      told += String(text)
    })
    expect(await new Promise(done => child.on('close', done))).toBe(1)
    expect(told).toContain(`${join(folder, 'none')} does not exist; set TMPDIR to another folder`)
    expect(readdirSync(folder)).toEqual([])
  })

  it('exits with 130 when interrupted, and leaves no file', async () => {
    const child = start('predict', fixture('../apps/cli/assets/cat.jpg'), '--point', '9,9', '--json', '--out', folder)
    let told = ''
    child.stdout.on('data', text => {
      told += String(text)
    })
    child.stderr.once('data', () => child.kill('SIGINT'))
    expect(await ended(child)).toBe(130)
    expect(JSON.parse(told)).toMatchObject({ error: { code: 'E_ABORTED' } })
    expect(readdirSync(folder)).toEqual([])
  })

  it('trains to the same bytes with and without data workers', async () => {
    await writeFile(join(folder, 'small.json'), JSON.stringify(small))
    const models = await Promise.all(
      ['0', '2'].map(async workers => {
        const child = start(
          'train',
          '--recipe',
          'tiny',
          '--config',
          'small.json',
          '--eval-every',
          '0',
          '--iterations',
          '2',
          '--threads',
          '1',
          '--workers',
          workers,
          '--out',
          `with-${workers}`
        )
        expect(await ended(child)).toBe(0)
        return readFile(join(folder, `with-${workers}`, 'model.safetensors'))
      })
    )
    expect(models[1].equals(models[0])).toBe(true)
  })

  it('reads a photo from a pipe', async () => {
    const child = start('predict', '-', '--model', 'tiny', '--point', '1,1', '--json', '--format', 'rle', '--quiet')
    let told = ''
    child.stdout.on('data', text => {
      told += String(text)
    })
    child.stdin.end('no photo')
    expect(await ended(child)).toBe(1)
    expect(JSON.parse(told)).toMatchObject({ error: { code: 'E_BAD_IMAGE' } })
  })
})

describe('progressOn', () => {
  it('writes a line per step without a terminal, and nothing when quiet', async () => {
    let err = ''
    const terminal = {
      out: () => {},
      err: (text: string) => {
        err += text
      },
      spinner: undefined,
      stdin: async () => new Uint8Array()
    }
    await progressOn(terminal, {}).step('working', async tell => tell('half'))
    expect(err).toMatch(/^working {2}\d+ ms\n$/)
    err = ''
    await progressOn(terminal, {}).step('a\nb\u001b[2J', async () => {})
    expect(err).toMatch(/^a\\nb\\x1b\[2J {2}\d+ ms\n$/)
    err = ''
    await progressOn(terminal, { quiet: true }).step('working', async () => {})
    expect(err).toBe('')
  })
})

describe('text', () => {
  it('escapes control characters of cells and in JSON', () => {
    const name = 'a\nb\u001b[2J\u009b\u202ec'
    expect(table('l', [[name]])).toBe('a\\nb\\x1b[2J\\x9b\\u202ec\n')
    const text = json({ [name]: name, ü: '😀' })
    expect(JSON.parse(text)).toEqual({ [name]: name, ü: '😀' })
    expect(printable(text, Infinity)).toBe(text)
    expect(text).toContain('"ü": "😀"')
  })

  it('aligns columns and shortens numbers', () => {
    expect(
      table('lr', [
        ['part', 'n'],
        ['é', '10'],
        ['', '9']
      ])
    ).toBe('part   n\né     10\n       9\n')
    expect([0, 7, 999, 1000, 92672, 941727350784].map(n => short(n, 'F'))).toEqual([
      '0 F',
      '7 F',
      '999 F',
      '1.00 kF',
      '92.7 kF',
      '941.7 GF'
    ])
  })
})
