import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build, type Rolldown } from 'vite'
import { telemetryEnv } from '../../../tools/telemetry-env.js'
import { writeFolders, type Folders } from './folders.js'

const program = fileURLToPath(new URL('one-load.ts', import.meta.url))
const runner = fileURLToPath(new URL('../../../tools/run.js', import.meta.url))

describe('a process that uses clipText', () => {
  let [home, folders]: [string, Folders] = [undefined!, undefined!]
  beforeAll(async () => {
    ;[home, folders] = await Promise.all([mkdtemp(join(tmpdir(), 'sam-home-')), writeFolders()])
  })
  afterAll(() => Promise.all([rm(home, { recursive: true }), folders.remove()]))

  const run = async (...args: string[]): Promise<string> => {
    const child = spawn(process.execPath, [runner, program, folders.transformersJs, ...args], {
      env: telemetryEnv(home),
      cwd: fileURLToPath(new URL('../../..', import.meta.url))
    })
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    return new Promise(resolve => child.on('close', code => resolve(`${code} ${stdout}`)))
  }

  it('creates no files: no telemetry, no copy of a local model', async () => {
    expect(await run()).toBe('0 32')
    expect(await readdir(home, { recursive: true })).toEqual([])
  })

  it('gets an error in a worker thread, which cannot turn telemetry off', async () => {
    expect(await run('in a worker')).toBe('0 E_BACKEND_UNAVAILABLE')
    expect(await readdir(home, { recursive: true })).toEqual([])
  })

  // Shows that the tests above can fail: onnxruntime keeps a device id and a queue of events in files.
  it.runIf(process.platform === 'linux')('finds the files of onnxruntime if telemetry is on', async () => {
    expect(await run('onnxruntime alone')).toBe('0 ')
    expect((await readdir(home, { recursive: true })).join()).toMatch(/Microsoft.*deviceid/)
  })
})

it('browser bundle: has nothing of Node, and loads transformers.js only when clipText is called', async () => {
  const built = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@sam/source', 'browser'] },
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: {
        input: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
        preserveEntrySignatures: 'strict',
        external: ['@xenova/transformers']
      }
    }
  })) as Rolldown.RolldownOutput
  const chunks = built.output.filter(file => file.type === 'chunk')
  expect(chunks.map(c => c.code).join('')).not.toMatch(/['"`](node:\w+|sharp)['"`]/)
  expect(chunks.flatMap(c => c.imports)).not.toContain('@xenova/transformers')
  expect(chunks.flatMap(c => c.dynamicImports)).toContain('@xenova/transformers')
})
