import { setTimeout as delay } from 'node:timers/promises'
import type { EncodedImage, Sam } from '@sam/core'
import { untilAborted } from '@sam/core/graph'
import { Slots, type WaitLimits } from './slots.js'

export interface BatchOptions {
  /** Images per run of the encoder. Default 1. */
  readonly size: number
  /** Milliseconds for which a run waits for more images. Default 0. */
  readonly window: number
}

interface Job {
  readonly bytes: Uint8Array
  readonly signal: AbortSignal | undefined
  readonly resolve: (image: EncodedImage) => void
  readonly reject: (error: unknown) => void
}

/**
 * The image encoder of a model, one run at a time. Images that arrive while it runs form the next batch. An image whose
 * clients have all left is not encoded, if its batch has not begun.
 */
export class Encoder {
  readonly slots: Slots
  #open: Job[] | undefined
  #waiting = 0

  constructor(
    readonly sam: Sam,
    readonly batch: BatchOptions,
    limits: WaitLimits
  ) {
    this.slots = new Slots(1, limits)
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Throws what `Sam.encode` throws, and 429 where the queue is full. */
  async encode(bytes: Uint8Array, signal?: AbortSignal): Promise<EncodedImage> {
    signal?.throwIfAborted()
    this.slots.checkRoom(this.#waiting)
    this.#waiting++
    try {
      const encoding = new Promise<EncodedImage>((resolve, reject) => this.#add({ bytes, signal, resolve, reject }))
      return await untilAborted(encoding, signal, () => void encoding.then(image => image.dispose()).catch(() => {}))
    } finally {
      this.#waiting--
    }
  }

  #add(job: Job): void {
    const open = (this.#open ??= this.#begin())
    open.push(job)
    if (open.length >= this.batch.size) this.#open = undefined
  }

  #begin(): Job[] {
    const jobs: Job[] = []
    const run = async (): Promise<void> => {
      await Promise.resolve() // the first job is added when this returns
      if (this.batch.window && jobs.length < this.batch.size) await delay(this.batch.window)
      if (this.#open === jobs) this.#open = undefined
      await this.#run(jobs.filter(({ signal }) => !signal?.aborted))
    }
    // Room was checked for each image.
    void this.slots.run(undefined, run).catch((error: unknown) => jobs.forEach(({ reject }) => reject(error)))
    return jobs
  }

  async #run(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 1) {
      const [{ bytes, signal, resolve, reject }] = jobs
      await this.sam.encode(bytes, { signal }).then(resolve, reject)
    } else if (jobs.length) {
      const read = ({ bytes }: Job): Uint8Array => bytes
      for await (const { source, image, error } of this.sam.encodeAll(jobs, { batchSize: this.batch.size, read }))
        if (image) source.resolve(image)
        else source.reject(error)
    }
  }
}
