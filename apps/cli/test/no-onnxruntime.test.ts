import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { tinyPhoto, workFolder } from './sam.js'

/** Hides onnxruntime-node from a process and its threads, as where npm has left it out. */
const hidden = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(name, context, next) {
      if (name === 'onnxruntime-node')
        throw Object.assign(new Error("Cannot find package 'onnxruntime-node'"), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    }\`))`)}`

const program = fileURLToPath(new URL('../bin/sam.js', import.meta.url))

interface Outcome {
  readonly code?: number
  readonly stdout: string
  readonly stderr: string
}

const sam = (...argv: readonly string[]): Promise<Outcome> =>
  promisify(execFile)(process.execPath, ['--import', hidden, program, ...argv]).catch((error: Outcome) => error)

describe('sam without onnxruntime-node', async () => {
  const folder = await workFolder()
  const photo = join(folder, 'tiny.png')
  await writeFile(photo, await tinyPhoto())
  const predict = ['predict', photo, '--model', 'tiny', '--point', '50,50', '--out', join(folder, 'out'), '--json']

  it('predict: runs on wasm, warns on stderr, even with --quiet, and names the backend in --json', async () => {
    const { code, stdout, stderr } = await sam(...predict, '--quiet')
    expect({ code, stderr }).toEqual({
      code: undefined,
      stderr: expect.stringMatching(/^sam: running on wasm.*onnxruntime-node must be installed.*npm install/)
    })
    expect(JSON.parse(stdout)).toMatchObject({ backend: 'wasm', objects: [{ masks: [{}, {}, {}] }] })
  })

  it.each(['cpu', 'cuda'])('predict --backend %s: fails, and names the command that installs it', async name => {
    const { code, stdout } = await sam(...predict, '--backend', name)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'E_BACKEND_UNAVAILABLE', message: expect.stringContaining('npm install onnxruntime-node@1.30.0') }
    })
  })

  it('train: fails, since it runs on cpu and cuda only', async () => {
    const { code, stderr } = await sam('train', '--recipe', 'tiny', '--out', join(folder, 'run'), '--iterations', '1')
    expect(code).toBe(1)
    expect(stderr).toContain('npm install onnxruntime-node@1.30.0')
  })
})
