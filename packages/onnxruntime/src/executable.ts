import {
  checkFeeds,
  formatShape,
  GraphError,
  InputError,
  untilAborted,
  type DeviceTensor,
  type Executable,
  type Graph,
  type HostTensor
} from '@sam/core/graph'
import type { Runtime, Session, TensorType } from './runtime.js'

/** The runtime and handle of each tensor of this module; no handle once the tensor is disposed. */
const states = new WeakMap<DeviceTensor, { readonly runtime: unknown; handle: unknown }>()

/**
 * A session as an `Executable`. A run cannot be interrupted: after an abort it continues, and its results are freed.
 */
export function executable<Handle>(runtime: Runtime<Handle>, g: Graph, session: Session<Handle>): Executable {
  let disposed = false
  return {
    graph: g,
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted()
      if (disposed)
        throw new InputError('E_DISPOSED', `${g.name}: the executable was disposed; compile the graph again`)
      checkFeeds(g, feeds)
      const fed = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feedOf(runtime, name, feed)]))
      const made = session
        .run(fed, signal)
        .then(handles =>
          Object.fromEntries(
            Object.entries(handles).map(([name, handle]) => [name, deviceTensor(runtime, g.outputs[name], handle)])
          )
        )
      return untilAborted(made, signal, () => {
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

function deviceTensor<Handle>(runtime: Runtime<Handle>, { shape, dtype }: TensorType, handle: Handle): DeviceTensor {
  const state: { readonly runtime: unknown; handle: Handle | undefined } = { runtime, handle }
  const self: DeviceTensor = {
    shape,
    dtype,
    async read(part) {
      if (state.handle === undefined)
        throw new InputError('E_DISPOSED', `a ${dtype}${formatShape(shape)} was read after it was disposed`)
      return runtime.read(state.handle, { dtype, shape }, part)
    },
    dispose() {
      if (state.handle !== undefined) runtime.free(state.handle)
      state.handle = undefined
    }
  }
  states.set(self, state)
  return self
}

/** A feed for the session: host data, or the handle of a tensor of the same runtime. */
function feedOf<Handle>(runtime: Runtime<Handle>, name: string, feed: HostTensor | DeviceTensor): HostTensor | Handle {
  if ('data' in feed) return feed
  const state = states.get(feed)
  if (state?.runtime !== runtime)
    throw new GraphError(
      `${name} must not be fed a tensor of another backend; copy it to host memory with read() first`
    )
  if (state.handle === undefined) throw new InputError('E_DISPOSED', `${name} must not be fed a disposed tensor`)
  return state.handle as Handle
}
