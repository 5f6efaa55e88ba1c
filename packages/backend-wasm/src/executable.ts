import {
  checkFeeds,
  formatShape,
  GraphError,
  InputError,
  partOf,
  untilAborted,
  type DeviceTensor,
  type Executable,
  type Feeds,
  type Graph,
  type HostTensor
} from '@sam/core/graph'
import type { Session } from './session.js'

/** What our tensors hold, until they are disposed. Another backend's are not in the map. */
const held = new WeakMap<object, { tensor: HostTensor | undefined }>()

/**
 * A loaded session as an `Executable`. A run cannot be stopped half way: after an abort it goes on by itself, and its
 * results are dropped.
 */
export function executable(g: Graph, session: Session): Executable {
  let disposed = false
  return {
    graph: g,
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted()
      if (disposed)
        throw new InputError('E_DISPOSED', `${g.name}: the executable was disposed; compile the graph again`)
      checkFeeds(g, feeds)
      const made = await untilAborted(session.run(onHost(feeds)), signal, () => {})
      return Object.fromEntries(Object.entries(made).map(([name, tensor]) => [name, deviceTensor(tensor)]))
    },
    dispose() {
      if (!disposed) session.close()
      disposed = true
    }
  }
}

/** The device is the host: a tensor stays in memory of its own until it is fed. */
function deviceTensor(tensor: HostTensor): DeviceTensor {
  const { dtype, shape } = tensor
  const state: { tensor: HostTensor | undefined } = { tensor }
  const self: DeviceTensor = {
    shape,
    dtype,
    async read(part) {
      if (!state.tensor)
        throw new InputError('E_DISPOSED', `a ${dtype}${formatShape(shape)} was read after it was disposed`)
      if (part) return partOf(state.tensor, part)
      return { ...state.tensor, data: state.tensor.data.slice() }
    },
    dispose() {
      state.tensor = undefined
    }
  }
  held.set(self, state)
  return self
}

function onHost(feeds: Feeds): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, feed]) => {
      if ('data' in feed) return [name, feed]
      const state = held.get(feed)
      if (!state) throw new GraphError(`${name} was fed a tensor of another backend; bring it home with read() first`)
      if (!state.tensor) throw new InputError('E_DISPOSED', `${name} was fed a tensor that was disposed`)
      return [name, state.tensor]
    })
  )
}
