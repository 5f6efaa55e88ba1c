import {
  checkFeeds,
  formatShape,
  GraphError,
  InputError,
  partOf,
  untilAborted,
  type DeviceTensor,
  type Executable,
  type Graph,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import type { Plain } from './protocol.js'
import type { Session } from './session.js'
import type { Thread } from './thread.js'

/** What lies behind the tensors that this module gave out. */
const handles = new WeakMap<DeviceTensor, { readonly thread: Thread; readonly id: number; disposed: boolean }>()

/** A loaded session as an `Executable`. */
export function executable(thread: Thread, g: Graph, session: Session): Executable {
  let disposed = false
  return {
    graph: g,
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted()
      if (disposed)
        throw new InputError('E_DISPOSED', `${g.name}: the executable was disposed; compile the graph again`)
      checkFeeds(g, feeds)
      const bound = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, bind(thread, name, feed)]))
      const cancelled = new Int32Array(new SharedArrayBuffer(4))
      const running = session.run(bound, cancelled)
      const made = running.then(ids =>
        Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, deviceTensor(thread, g.outputs[name], id)]))
      )
      return untilAborted(made, signal, () => {
        Atomics.store(cancelled, 0, 1)
        made.then(
          outputs => Object.values(outputs).forEach(t => t.dispose()),
          () => {}
        )
      })
    },
    dispose() {
      if (!disposed) session.close()
      disposed = true
    }
  }
}

function deviceTensor(thread: Thread, { shape, dtype }: Value, id: number): DeviceTensor {
  const state = { thread, id, disposed: false }
  const self: DeviceTensor = {
    shape,
    dtype,
    async read(part) {
      if (state.disposed)
        throw new InputError('E_DISPOSED', `a ${dtype}${formatShape(shape)} was read after it was disposed`)
      const whole = { dtype, shape, data: await thread.call('read', { tensor: id }) }
      return part ? partOf(whole, part) : whole
    },
    dispose() {
      if (!state.disposed) thread.call('free', { tensor: id }).catch(() => {})
      state.disposed = true
    }
  }
  handles.set(self, state)
  return self
}

/** A feed as the thread takes it: a tensor it has, or a copy that moves there. */
function bind(thread: Thread, name: string, feed: HostTensor | DeviceTensor): number | Plain {
  if ('data' in feed) return { dtype: feed.dtype, shape: feed.shape, data: feed.data.slice() as HostTensor['data'] }
  const handle = handles.get(feed)
  if (handle?.thread !== thread)
    throw new GraphError(`${name} was fed a tensor of another backend; bring it home with read() first`)
  if (handle.disposed) throw new InputError('E_DISPOSED', `${name} was fed a tensor that was disposed`)
  return handle.id
}
