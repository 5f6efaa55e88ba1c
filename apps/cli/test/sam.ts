import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { encodePng, openWeights, configs } from '@sam/core'
import { run } from '../src/main.js'

/** Output and exit code of one command line. */
export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

interface Surroundings {
  readonly stdin?: Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
  /** Called with each text written to stderr. */
  readonly onErr?: (text: string) => void
}

/** Runs `sam …` in this process, with nothing on standard input and no terminal. */
export async function sam(
  argv: readonly string[],
  { stdin = new Uint8Array(0), signal = new AbortController().signal, onErr = () => {} }: Surroundings = {}
): Promise<Outcome> {
  const said = { out: '', err: '' }
  const err = (text: string): void => {
    said.err += text
    onErr(text)
  }
  const terminal = {
    out: (text: string) => {
      said.out += text
    },
    err,
    spinner: undefined,
    stdin: async () => stdin
  }
  const code = await run(argv, { terminal, signal })
  return { code, ...said }
}

/** A temporary folder for a test file, removed after it. */
export async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sam cli ü '))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The files of a run in its folder, without its list of them. */
export const resultsIn = (folder: string): string[] =>
  readdirSync(folder, { encoding: 'utf8', recursive: true })
    .filter(name => name !== '.sam-results.json')
    .sort()

export const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))

/** The 100 × 150 photo of the reference values, as a PNG file. */
export async function tinyPhoto(): Promise<Uint8Array<ArrayBuffer>> {
  const io = await openWeights(fixture('tiny-io.safetensors'))
  const data = await io.bytes('image')
  await io.close()
  return new Uint8Array(await encodePng({ width: 150, height: 100, channels: 3, data }))
}

/** The configuration of the tiny checkpoint, as a .json file. */
export const tinyConfig = JSON.stringify({ ...configs['tiny-test'], name: 'from-a-file' })

/** Overrides of the recipe `tiny` that make it run in seconds. */
export const small = {
  config: {
    imageSize: 64,
    width: 16,
    maskChannels: 8,
    imageEncoder: { width: 16, depth: 2, heads: 2, mlpRatio: 2, window: 3, globalBlocks: [1] },
    decoder: { heads: 2, mlpWidth: 16, iouHiddenWidth: 16 }
  },
  batch: 1,
  microBatch: 1,
  objects: 2,
  plan: { clicks: 1, maskRounds: false }
}
