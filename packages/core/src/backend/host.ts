import { InputError } from '../errors.js'
import { paramsOf } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { evaluate, toHost } from '../reference/evaluate.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { WeightSource } from '../weights/source.js'
import type { Backend, CompileOptions, DeviceTensor } from './backend.js'
import { checkFeeds } from './feeds.js'
import { partOf } from './part.js'
import { prepare } from './prepare.js'

/**
 * The reference evaluator as a backend: correct, slow, without dependencies. It is the smallest complete backend, a
 * template for new ones. It keeps no composite, so its conformance tests cover the passes of `prepare`.
 */
export function hostBackend(): Backend {
  let disposed = false
  return {
    name: 'reference',
    keeps: () => false,
    async compile(graph, weights, options = {}) {
      if (disposed) throw disposedError('backend')
      options.signal?.throwIfAborted()
      const { setup, run } = prepare(graph, () => false, weights)
      const params = await readParams(paramsOf(graph), weights, options)
      const constants = evaluate(setup, leaf => params.get(nameOf(leaf)!)!)
      let released = false
      return {
        graph,
        async run(feeds, { signal } = {}) {
          if (released) throw disposedError('executable')
          signal?.throwIfAborted()
          checkFeeds(graph, feeds)
          const fed = Object.fromEntries(
            await Promise.all(
              Object.entries(feeds).map(async ([name, t]) => [name, 'read' in t ? await t.read() : t] as const)
            )
          )
          signal?.throwIfAborted()
          const inputs = { ...constants, ...fed }
          const outputs = evaluate(run, leaf =>
            leaf.op === 'param' ? params.get(nameOf(leaf)!)! : inputs[nameOf(leaf)!]
          )
          return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, resident(toHost(t))]))
        },
        dispose() {
          released = true
        }
      }
    },
    dispose() {
      disposed = true
    }
  }
}

/** All weights, one at a time, counted in bytes of f32. */
async function readParams(
  wanted: readonly Value[],
  weights: WeightSource,
  { signal, onProgress }: CompileOptions
): Promise<Map<string, HostTensor>> {
  const params = new Map<string, HostTensor>()
  const total = wanted.reduce((bytes, p) => bytes + 4 * p.shape.reduce((n, d) => n * d, 1), 0)
  let done = 0
  for (const name of wanted.map(p => nameOf(p)!)) {
    signal?.throwIfAborted()
    const read = await weights.read(name, signal)
    params.set(name, read)
    onProgress?.((done += read.data.byteLength), total)
  }
  return params
}

/** A device tensor whose device is the host. */
function resident(tensor: HostTensor): DeviceTensor {
  let held: HostTensor | undefined = tensor
  return {
    shape: tensor.shape,
    dtype: tensor.dtype,
    async read(part) {
      if (!held) throw disposedError('tensor')
      if (part) return partOf(held, part)
      return { ...held, data: held.data.slice() }
    },
    dispose() {
      held = undefined
    }
  }
}

const disposedError = (what: string): InputError =>
  new InputError('E_DISPOSED', `the ${what} was used after dispose(); create a new one`)
