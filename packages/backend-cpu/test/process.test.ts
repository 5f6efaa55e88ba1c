import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A separate program that runs a session and exits without disposing of anything. */
const program = fileURLToPath(new URL('one-run.ts', import.meta.url))
const runner = fileURLToPath(new URL('../../../tools/run.js', import.meta.url))

describe('a process that uses the backend', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'sam-home-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  const run = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const env = { ...process.env }
    delete env.ORT_DISABLE_TELEMETRY
    const places = Object.fromEntries(
      ['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'TMPDIR'].map(name => [
        name,
        home
      ])
    )
    const child = spawn(process.execPath, [runner, program, ...args], {
      env: { ...env, ...places },
      cwd: fileURLToPath(new URL('../../..', import.meta.url))
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    return new Promise(resolve => child.on('close', code => resolve({ code, stdout, stderr })))
  }

  it('exits by itself without output or files: no telemetry, no temporary data', async () => {
    expect(await run()).toEqual({ code: 0, stdout: '2 1', stderr: '' })
    expect(await readdir(home, { recursive: true })).toEqual([])
  })

  it('gets an error in a worker thread, which cannot turn telemetry off', async () => {
    const { stdout, stderr } = await run('in a worker')
    expect({ stdout, stderr }).toEqual({ stdout: 'E_BACKEND_UNAVAILABLE', stderr: '' })
    expect(await readdir(home, { recursive: true })).toEqual([])
  })
})
