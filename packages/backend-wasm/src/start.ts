import { baseUrl, readBytes } from '#files'
import { BackendError, InputError } from '@sam/core/graph'
import type * as ort from 'onnxruntime-web/wasm'

/** onnxruntime-web, loaded on demand. */
export type Ort = typeof ort

/**
 * URLs of the two files of onnxruntime-web, `ort-wasm-simd-threaded.wasm` and `ort-wasm-simd-threaded.mjs`: their
 * folder, or one for each (bundlers rename files). Relative URLs are relative to the page; in Node, to the working
 * directory.
 */
export type WasmPaths = string | URL | { readonly wasm: string | URL; readonly mjs: string | URL }

export interface RuntimeOptions {
  readonly wasmPaths: WasmPaths
  readonly threads: number
}

const file = 'ort-wasm-simd-threaded'

/** The runtime starts once per process, page or worker, and then keeps its threads and memory. */
let started: { readonly ort: Promise<Ort>; readonly threads: number; readonly files: string } | undefined

/**
 * Starts onnxruntime-web. Throws `BackendError` `E_BACKEND_UNAVAILABLE` if a file is missing, `InputError`
 * `E_BAD_OPTION` for other threads or files than it was started with.
 */
export async function startRuntime({ wasmPaths, threads }: RuntimeOptions): Promise<Ort> {
  if (started && started.threads !== threads) {
    throw new InputError(
      'E_BAD_OPTION',
      `threads: must be ${started.threads}, with which onnxruntime-web already runs here, found ${threads}; use the same number everywhere`
    )
  }
  const { wasm, mjs } = located(wasmPaths)
  const files = `${wasm.href} and ${mjs.href}`
  if (started && started.files !== files) {
    throw new InputError(
      'E_BAD_OPTION',
      `wasmPaths: must be ${started.files}, from which onnxruntime-web already runs here, found ${files}; use the same files everywhere`
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
  // A common mistake: a server that serves its front page for every path.
  if (String(binary.subarray(0, 4)) !== '0,97,115,109') throw notServed(wasm, 'the file is not WebAssembly')
  if (typeof script === 'string') throw notServed(mjs, script)
  if (/^\s*</.test(new TextDecoder().decode(script.subarray(0, 64)))) throw notServed(mjs, 'the file is a web page')

  const runtime = await import('onnxruntime-web/wasm')
  runtime.env.logLevel = 'fatal' // errors are thrown as exceptions
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
    `${url.href} must be served by the app itself, found none (${why}): copy ${file}.wasm and ${file}.mjs from ` +
      `node_modules/onnxruntime-web/dist to the app's ` +
      'static files and set wasmPaths to their folder, or let the bundler do it with imports ending in ?url'
  )
