import type { EncodedImage, LoadOptions, Mask, Prediction, Progress, Sam } from '@sam/core'
import { refuse, SharedWork } from '@sam/core/graph'
import { moving } from './portable.js'
import { imageMethods, type ImageFacts, type SamCalls, type SamFacts } from './protocol.js'
import { serve, type Scope } from './serve.js'
import { sendUpdates } from './stream.js'

/** The page's part of the options of `loadSam`: pass them on. */
export type PageOptions = Required<Pick<LoadOptions, 'onProgress' | 'signal'>>

/**
 * In a worker: serves a model to the pages that connect with `connectSam`. Call it before the first `await` of the
 * worker's script. `load` runs when the first page connects; later pages share its model. The model is disposed of
 * when the last of them has disposed of it or is gone, and loaded again for the next. `data` is what the first page
 * gave to `connectSam`. `scope` is the worker itself (dedicated, shared, or a thread of Node), or a port to another
 * page. Throws `E_BAD_OPTION` outside of a worker.
 *
 * @example
 * serveSam(async options => loadSam({ weights: '/mobile_sam.pt', backend: await wasm(), ...options }))
 */
export function serveSam<Data = undefined>(
  load: (options: PageOptions, data: Data) => Promise<Sam>,
  scope?: Scope
): void {
  const model = new SharedModel(load as (options: PageOptions, data: unknown) => Promise<Sam>)
  serve(() => serviceOf(model), scope)
}

/** One model for all connections, loaded for the first of them. */
class SharedModel {
  #work: SharedWork<Sam> | undefined
  #users = 0
  readonly #listeners = new Set<(progress: Progress) => void>()

  constructor(readonly load: (options: PageOptions, data: unknown) => Promise<Sam>) {}

  async acquire({ data, onProgress, signal }: Partial<PageOptions> & { data: unknown }): Promise<Sam> {
    const report = (progress: Progress): void => this.#listeners.forEach(listener => listener(progress))
    if (!this.#work || this.#work.failed)
      this.#work = new SharedWork(stop => this.load({ onProgress: report, signal: stop }, data))
    if (onProgress) this.#listeners.add(onProgress)
    this.#users++
    try {
      return await this.#work.wait(signal)
    } catch (error) {
      this.#users--
      throw error
    } finally {
      if (onProgress) this.#listeners.delete(onProgress)
    }
  }

  async release(sam: Sam): Promise<void> {
    if (--this.#users) return
    this.#work = undefined
    await sam.dispose()
  }
}

function serviceOf(model: SharedModel): { calls: SamCalls; close: () => void } {
  const images = new Map<number, { readonly image: EncodedImage; readonly source: unknown }>()
  let sam: Sam | undefined
  let serial = 0
  const opened = (): Sam => sam ?? refuse('E_DISPOSED', 'this Sam was disposed; connect to the worker again')
  const imageOf = (id: number): EncodedImage =>
    images.get(id)?.image ?? refuse('E_DISPOSED', 'this EncodedImage was disposed; encode the photo again')
  const keep = (image: EncodedImage, source?: unknown): ImageFacts => {
    const { width, height } = image
    images.set(++serial, { image, source })
    return { id: serial, width, height }
  }
  const release = (id: number): void => {
    images.get(id)?.image.dispose()
    closePicture(images.get(id)?.source)
    images.delete(id)
  }
  const dispose = async (): Promise<void> => {
    for (const id of images.keys()) release(id)
    const mine = sam
    sam = undefined
    if (mine) await model.release(mine)
  }

  const calls: SamCalls = {
    async open({ data, onProgress, signal }) {
      sam ??= await model.acquire({ data, onProgress, signal })
      return factsOf(sam)
    },
    async encode(input, options) {
      try {
        return keep(await opened().encode(input, options), input)
      } catch (error) {
        closePicture(input)
        throw error
      }
    },
    load: async (...args) => keep(await opened().load(...args), args[1]?.image),
    encodeCrop: async (id, ...args) => keep(await imageOf(id).encodeCrop(...args)),
    async image(id, method, ...args) {
      const image = imageOf(id)
      if (!imageMethods.includes(method)) refuse('E_BAD_OPTION', `an EncodedImage has no method ${String(method)}`)
      const result: unknown = await (image[method] as (...args: unknown[]) => Promise<unknown>).apply(image, args)
      if (method === 'save') return moving(result as Uint8Array, [(result as Uint8Array<ArrayBuffer>).buffer])
      if (method !== 'predict') return result
      const predictions = [result].flat() as Prediction[]
      return moving(result as object, logitsOf(predictions.flatMap(({ masks }) => masks)))
    },
    streamMasks: (id, options, send) => sendUpdates(imageOf(id).streamMasks(options), send),
    release,
    embed: (...args) => textOf(opened()).embed(...args),
    embedCrops: (...args) => textOf(opened()).embedCrops!(...args),
    recover: () => opened().recover(),
    encoderFingerprint: () => opened().encoderFingerprint(),
    dispose
  }
  return { calls, close: () => void dispose().catch(() => {}) }
}

const textOf = (sam: Sam): NonNullable<Sam['text']> =>
  sam.text ?? refuse('E_BAD_OPTION', 'the model in the worker must have a text encoder, found none')

function factsOf({ config, text, textWidth, unusedTensors }: Sam): SamFacts {
  const { width, scale, background, threshold, embedCrops } = text ?? {}
  return {
    // Without the function of a custom encoder.
    config: JSON.parse(JSON.stringify(config)) as Sam['config'],
    textWidth,
    unusedTensors,
    text: text && ({ width: width!, scale, background, threshold, crops: embedCrops !== undefined } as SamFacts['text'])
  }
}

/** The buffers of predicted masks that nothing in this thread uses any more. */
const logitsOf = (masks: readonly Mask[]): Transferable[] =>
  masks.flatMap(({ lowResLogits }) => (lowResLogits ? [lowResLogits.buffer as ArrayBuffer] : []))

/** Frees the copy of a bitmap or video frame that was sent to this worker. */
function closePicture(source: unknown): void {
  const { close } = (source ?? {}) as { close?: () => void }
  if (typeof close === 'function') close.call(source)
}
