import { describe, formatShape, GraphError, InputError, nameOf, sameShape, type DeviceTensor, type Executable, type Feeds, type Graph, type HostTensor, type Value } from '@sam/core/graph'
import type { Plain } from './protocol.js'
import type { Session } from './session.js'
import type { Thread } from './thread.js'

/** Tensors of a thread, by handle: another backend's handles are not in the map. */
type Handles = WeakMap<object, { readonly thread: Thread; readonly id: number; disposed: boolean }>
const handles: Handles = new WeakMap()

/** A loaded session as an `Executable`. */
export function executable(thread: Thread, g: Graph, session: Session): Executable {
  let disposed = false
  return {
    graph: g,
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted()
      if (disposed) throw new InputError('E_DISPOSED', `${g.name}: the executable was disposed; compile the graph again`)
      const cancelled = new Int32Array(new SharedArrayBuffer(4))
      const running = session.run(bindFeeds(thread, g, feeds), cancelled)
      const made = running.then(ids => Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, deviceTensor(thread, g.outputs[name]!, id)])))
      return untilAborted(made, signal, () => {
        Atomics.store(cancelled, 0, 1)
        made.then(outputs => Object.values(outputs).forEach(t => t.dispose()), () => {})
      })
    },
    dispose() {
      if (!disposed) session.close()
      disposed = true
    }
  }
}

/** The promise, or the signal's reason as soon as it aborts; a native run cannot be stopped, so its result is left to `abandon`. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, abandon: () => void): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      abandon()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function deviceTensor(thread: Thread, { shape, dtype }: Value, id: number): DeviceTensor {
  const state = { thread, id, disposed: false }
  const self: DeviceTensor = {
    shape,
    dtype,
    async read() {
      if (state.disposed) throw new InputError('E_DISPOSED', `a ${dtype}${formatShape(shape)} was read after it was disposed`)
      return { dtype, shape, data: await thread.call('read', { tensor: id }) } as HostTensor
    },
    dispose() {
      if (!state.disposed) thread.call('free', { tensor: id }).catch(() => {})
      state.disposed = true
    }
  }
  handles.set(self, state)
  return self
}

/** Exactly the declared inputs, each of its shape and type. Throws `GraphError` otherwise. */
function bindFeeds(thread: Thread, g: Graph, feeds: Feeds): Record<string, number | Plain> {
  const names = g.inputs.map(v => nameOf(v)!)
  const unknown = Object.keys(feeds).filter(name => !names.includes(name))
  if (unknown.length) throw new GraphError(`${g.name}: takes ${names.join(', ')}; found ${unknown.join(', ')}`)
  return Object.fromEntries(g.inputs.map(v => [nameOf(v)!, bindFeed(thread, v, feeds[nameOf(v)!])]))
}

function bindFeed(thread: Thread, wanted: Value, feed: HostTensor | DeviceTensor | undefined): number | Plain {
  if (!feed) throw new GraphError(`${describe(wanted)} must be fed`)
  if (!sameShape(feed.shape, wanted.shape) || feed.dtype !== wanted.dtype) {
    throw new GraphError(`${describe(wanted)} must be fed its shape and type, found ${feed.dtype}${formatShape(feed.shape)}`)
  }
  if ('data' in feed) return { dtype: feed.dtype, shape: feed.shape, data: feed.data.slice() as HostTensor['data'] }
  const handle = handles.get(feed)
  if (handle?.thread !== thread) throw new GraphError(`${describe(wanted)} was fed a tensor of another backend; bring it home with read() first`)
  if (handle.disposed) throw new InputError('E_DISPOSED', `${describe(wanted)} was fed a tensor that was disposed`)
  return handle.id
}
