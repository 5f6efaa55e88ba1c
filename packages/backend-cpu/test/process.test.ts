import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { telemetryEnv } from '../../../tools/telemetry-env.js'

/** Separate programs: one runs a session and exits without disposing of anything, one exits during a run. */
const program = fileURLToPath(new URL('one-run.ts', import.meta.url))
const exitInRun = fileURLToPath(new URL('exit-in-run.ts', import.meta.url))
const runner = fileURLToPath(new URL('../../../tools/run.js', import.meta.url))

describe('a process that uses the backend', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'sam-home-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  const run = (...args: string[]) => runProgram(program, ...args)
  const runProgram = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const child = spawn(process.execPath, [runner, ...args], {
      env: telemetryEnv(home),
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

  // Shows that the test above can fail: onnxruntime keeps a device id and a queue of events in files.
  it.runIf(process.platform === 'linux')(
    'leaves files of onnxruntime in the home folder if telemetry is allowed',
    async () => {
      expect(await run('with telemetry')).toEqual({ code: 0, stdout: '2 undefined', stderr: '' })
      expect((await readdir(home, { recursive: true })).join()).toMatch(/Microsoft.*deviceid/)
    }
  )

  it.each(['by process.exit', 'by itself, disposed of'])('exits with its code during a native call: %s', async way => {
    expect(await runProgram(exitInRun, way)).toEqual({ code: 7, stdout: 'aborted', stderr: '' })
  })

  it('gets an error in a worker thread, which cannot turn telemetry off', async () => {
    const { stdout, stderr } = await run('in a worker')
    expect({ stdout, stderr }).toEqual({ stdout: 'E_BACKEND_UNAVAILABLE', stderr: '' })
    expect(await readdir(home, { recursive: true })).toEqual([])
  })
})
