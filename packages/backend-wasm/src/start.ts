import { baseUrl, readBytes } from '#files'
import { BackendError, InputError } from '@sam/core/graph'
import type * as ort from 'onnxruntime-web/wasm'

/** onnxruntime-web, loaded only when asked for. */
export type Ort = typeof ort

/**
 * Where the two files of onnxruntime-web are served, `ort-wasm-simd-threaded.wasm` and `ort-wasm-simd-threaded.mjs`:
 * the folder that has both, or each by itself (a bundler gives files new names). Relative addresses are relative to the
 * page; in Node, to the working directory.
 */
export type WasmPaths = string | URL | { readonly wasm: string | URL; readonly mjs: string | URL }

export interface RuntimeOptions {
  readonly wasmPaths: WasmPaths
  readonly threads: number
}

const file = 'ort-wasm-simd-threaded'

/** The runtime starts once in a process, or page, or worker: it holds its threads and its memory from then on. */
let started: { readonly ort: Promise<Ort>; readonly threads: number; readonly files: string } | undefined

/**
 * Starts onnxruntime-web. Throws `BackendError` `E_BACKEND_UNAVAILABLE` when a file is not there, `InputError`
 * `E_BAD_OPTION` for other threads or other files than it started with.
 */
export async function startRuntime({ wasmPaths, threads }: RuntimeOptions): Promise<Ort> {
  if (started && started.threads !== threads) {
    throw new InputError(
      'E_BAD_OPTION',
      `threads: onnxruntime-web runs here with ${started.threads} already and keeps them, found ${threads}; ask for the same number everywhere`
    )
  }
  const { wasm, mjs } = located(wasmPaths)
  const files = `${wasm.href} and ${mjs.href}`
  if (started && started.files !== files) {
    throw new InputError(
      'E_BAD_OPTION',
      `wasmPaths: onnxruntime-web runs here from ${started.files} already, found ${files}; name the same files everywhere`
    )
  }
  started ??= { ort: start({ wasm, mjs }, threads), threads, files }
  started.ort.catch(() => {
    started = undefined
  })
  return started.ort
}

async function start({ wasm, mjs }: { wasm: URL; mjs: URL }, threads: number): Promise<Ort> {
  const [binary, script] = await Promise.all([readBytes(wasm), readBytes(mjs)])
  if (typeof binary === 'string') throw notServed(wasm, binary)
  // A server that answers everything with its front page is the usual mistake.
  if (String(binary.subarray(0, 4)) !== '0,97,115,109') throw notServed(wasm, 'what is there is not WebAssembly')
  if (typeof script === 'string') throw notServed(mjs, script)
  if (/^\s*</.test(new TextDecoder().decode(script.subarray(0, 64))))
    throw notServed(mjs, 'what is there is a web page')

  const runtime = await import('onnxruntime-web/wasm')
  runtime.env.logLevel = 'fatal' // errors come as exceptions
  Object.assign(runtime.env.wasm, {
    numThreads: threads,
    wasmBinary: binary,
    wasmPaths: { wasm: wasm.href, mjs: mjs.href }
  })
  return runtime
}

function located(paths: WasmPaths): { wasm: URL; mjs: URL } {
  const url = (path: string | URL): URL => {
    try {
      return new URL(path, baseUrl())
    } catch (cause) {
      throw new InputError('E_BAD_OPTION', `wasmPaths: must be addresses, found '${String(path)}'`, { cause })
    }
  }
  if (typeof paths === 'object' && 'wasm' in paths) return { wasm: url(paths.wasm), mjs: url(paths.mjs) }
  const folder = url(paths)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return { wasm: new URL(`${file}.wasm`, folder), mjs: new URL(`${file}.mjs`, folder) }
}

const notServed = (url: URL, why: string): BackendError =>
  new BackendError(
    'E_BACKEND_UNAVAILABLE',
    `${url.href} must be served by the app itself, and is not (${why}): copy ${file}.wasm and ${file}.mjs from ` +
      `node_modules/onnxruntime-web/dist to the app's ` +
      'static files and name their folder in wasmPaths, or let the bundler do it with imports ending in ?url'
  )
