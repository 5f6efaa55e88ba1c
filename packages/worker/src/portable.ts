import { Mask, SamError, type SamErrorCode } from '@sam/core'
import { refuse } from '@sam/core/graph'
import { remoteFunction, serveFunction, type AnyFunction } from './function.js'

/** A value as `postMessage` takes it. */
export interface Parcel {
  readonly value: unknown
  readonly transferables: Transferable[]
  /** Closes the channels of the signals and functions in it, once the call they belong to has ended. */
  readonly release: () => void
}

/** A value that arrived. `release` as in {@link Parcel}. */
export interface Unpacked {
  readonly value: unknown
  /** Waits for the calls of the functions in it. Throws what the first of them threw. */
  readonly settled: () => Promise<unknown>
  readonly release: () => void
}

/** What structured clone does not carry: marked by this key, and made again on the other side. */
const kind = '@sam/worker'
type Marked =
  | { readonly [kind]: 'function'; readonly port: MessagePort }
  | { readonly [kind]: 'signal'; readonly port: MessagePort; readonly aborted: boolean; readonly reason: unknown }
  | { readonly [kind]: 'mask'; readonly mask: Mask }
  | { readonly [kind]: 'url'; readonly href: string }
  | ({ readonly [kind]: 'error' } & ErrorData)

interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Of a {@link SamError}. */
  readonly code: SamErrorCode | undefined
  /** Whether it is a `DOMException`. */
  readonly dom: boolean
  readonly cause: unknown
}

const moved = new WeakMap<object, readonly Transferable[]>()

/** `value`, whose `transferables` are moved instead of copied when it is sent: they can no longer be used here. */
export function moving<T extends object>(value: T, transferables: readonly Transferable[]): T {
  moved.set(value, transferables)
  return value
}

/**
 * Prepares arguments or a result for `postMessage`. In arrays and plain objects, at any depth: functions are called
 * across a port, abort signals are forwarded, masks and errors keep their class, and of a view of a larger buffer only
 * the part in view is copied. Everything else is left to structured clone.
 */
export function pack(value: unknown): Parcel {
  const transferables: Transferable[] = []
  const releases: (() => void)[] = []
  const channel = (): MessageChannel => {
    const made = new MessageChannel()
    transferables.push(made.port2)
    releases.push(() => made.port1.close())
    return made
  }
  const walk = (item: unknown): unknown => {
    if (typeof item === 'function') {
      const { port1, port2 } = channel()
      serveFunction(item as AnyFunction, port1)
      return { [kind]: 'function', port: port2 } satisfies Marked
    }
    if (typeof item !== 'object' || item === null) return item
    transferables.push(...(moved.get(item) ?? []))
    moved.delete(item)
    if (item instanceof AbortSignal) {
      const { port1, port2 } = channel()
      const forward = (): void => port1.postMessage(reasonOf(item))
      item.addEventListener('abort', forward, { once: true })
      releases.push(() => item.removeEventListener('abort', forward))
      const reason = item.aborted ? reasonOf(item) : undefined
      return { [kind]: 'signal', port: port2, aborted: item.aborted, reason } satisfies Marked
    }
    if (item instanceof Mask) return { [kind]: 'mask', mask: { ...item } as Mask } satisfies Marked
    if (item instanceof URL) return { [kind]: 'url', href: item.href } satisfies Marked
    if (isError(item)) return errorData(item)
    if (Array.isArray(item)) return item.map(walk)
    if (ArrayBuffer.isView(item)) return compact(item)
    const prototype: unknown = Object.getPrototypeOf(item)
    if (prototype !== Object.prototype && prototype !== null) return item
    return Object.fromEntries(Object.entries(item).map(([key, part]) => [key, walk(part)]))
  }
  return { value: walk(value), transferables, release: () => releases.forEach(release => release()) }
}

/** The arguments or the result that {@link pack} prepared. */
export function unpack(value: unknown): Unpacked {
  const ports: MessagePort[] = []
  const running: Promise<unknown>[] = []
  const callback = (port: MessagePort): AnyFunction => {
    const remote = remoteFunction(port)
    return (...args: unknown[]) => {
      const result = remote(...args)
      result.catch(() => {}) // reported by `settled`
      running.push(result)
      return result
    }
  }
  const walk = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(walk)
    if (typeof item !== 'object' || item === null || Object.getPrototypeOf(item) !== Object.prototype) return item
    if (!(kind in item)) return Object.fromEntries(Object.entries(item).map(([key, part]) => [key, walk(part)]))
    const marked = item as Marked
    switch (marked[kind]) {
      case 'function':
        ports.push(marked.port)
        return callback(marked.port)
      case 'signal':
        ports.push(marked.port)
        return signalOf(marked)
      case 'mask':
        return Mask.from(marked.mask)
      case 'url':
        return new URL(marked.href)
      case 'error':
        return errorOf(marked)
    }
  }
  return {
    value: walk(value),
    settled: () => Promise.all(running),
    release: () => ports.forEach(port => port.close())
  }
}

function signalOf({ port, aborted, reason }: Marked & { readonly [kind]: 'signal' }): AbortSignal {
  const controller = new AbortController()
  const abort = (packed: unknown): void => controller.abort(unpack(packed).value)
  if (aborted) abort(reason)
  port.addEventListener('message', ({ data }) => abort(data))
  port.start()
  return controller.signal
}

/** The reason of an abort, if it is an error or a primitive value. */
const reasonOf = ({ reason }: AbortSignal): unknown => causeOf(reason)

/** The part of a typed array's buffer that is in view, without the rest. */
function compact(view: ArrayBufferView): unknown {
  const { buffer, byteOffset, byteLength } = view
  if (view instanceof DataView || (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength)) return view
  // Not its own `slice`: that of a Buffer shares memory.
  const bytes = new Uint8Array(byteLength)
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength))
  const Kind = (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => unknown>)[
    Object.prototype.toString.call(view).slice(8, -1)
  ]
  return new Kind(bytes.buffer)
}

// By tag as well: a DOMException is no Error in every runtime, and errors may come from another realm.
const isError = (value: unknown): value is Error =>
  value instanceof Error || ['Error', 'DOMException'].includes(Object.prototype.toString.call(value).slice(8, -1))

/** A cause may be anything: only errors and primitive values are kept. */
function causeOf(cause: unknown, depth = 0): unknown {
  if (isError(cause)) return depth < 8 ? errorData(cause, depth + 1) : undefined
  return typeof cause === 'object' || typeof cause === 'function' || typeof cause === 'symbol' ? undefined : cause
}

const errorData = (error: Error, depth = 0): Marked => ({
  [kind]: 'error',
  name: error.name,
  message: error.message,
  stack: error.stack,
  code: SamError.is(error) ? error.code : undefined,
  dom: typeof DOMException !== 'undefined' && error instanceof DOMException,
  cause: causeOf(error.cause, depth)
})

function errorOf({ name, message, stack, code, dom, cause: packed }: ErrorData): Error {
  const cause = unpack(packed).value
  const options = cause === undefined ? {} : { cause }
  if (dom) return new DOMException(message, name)
  let error: Error = Object.assign(new Error(message, options), { name })
  if (code !== undefined) {
    try {
      refuse(code, message, options)
    } catch (typed) {
      error = typed as SamError
    }
  }
  if (stack !== undefined) error.stack = stack // where it was thrown, in the other thread
  return error
}
