import { refuse } from '../errors.js'
import type { Graph } from '../ir/graph.js'
import type { WeightSource } from '../weights/source.js'
import type { Backend, CompileOptions, Executable } from './backend.js'
import { disposedOf, whenCollected } from '../collected.js'

/**
 * The graphs of one checkpoint on one backend, each compiled on first use and kept until `dispose`, or until nothing
 * refers to this any more.
 */
export class CompiledGraphs {
  readonly #compiled = new Map<string, Promise<Executable>>()
  readonly #backend: Backend
  readonly #weights: WeightSource
  readonly #owner: string
  #disposed = false

  /** `owner` names the model in messages. The caller owns the weights and the backend. */
  constructor(owner: string, backend: Backend, weights: WeightSource) {
    this.#owner = owner
    this.#backend = backend
    this.#weights = weights
    whenCollected(this, this.#compiled, free)
  }

  /** Throws `InputError` `E_DISPOSED` after {@link dispose}. */
  check(): void {
    if (this.#disposed) refuse('E_DISPOSED', `this ${this.#owner} was disposed; load it again`)
  }

  /**
   * The executable of this key; the first call builds and compiles it. Throws `E_DISPOSED`, and what `Backend.compile`
   * throws.
   */
  get(key: string, build: () => Graph, options: CompileOptions = {}): Promise<Executable> {
    this.check()
    let compiled = this.#compiled.get(key)
    if (!compiled) {
      compiled = this.#backend.compile(build(), this.#weights, options)
      const all = this.#compiled
      all.set(key, compiled)
      compiled.catch(() => all.delete(key)) // retry after a failure or an abort
    }
    return compiled
  }

  /** Frees all executables, also those that are still compiling. */
  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    disposedOf(this)
    await free(this.#compiled)
  }
}

async function free(all: Map<string, Promise<Executable>>): Promise<void> {
  for (const compiled of await Promise.allSettled(all.values()))
    if (compiled.status === 'fulfilled') compiled.value.dispose()
  all.clear()
}
