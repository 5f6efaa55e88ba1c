/** The compute thread: holds the backend, the model and the image embedding, so the page stays responsive. */
import { InputError, Mask, type EncodedImage, type Prompt } from '@sam/core'
import { frameOf } from '@sam/core/model'
import { pickBackend, type Choice } from '@sam/backend-wasm'
import { serve } from '@sam/worker'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { paintStrokes } from './brush.js'
import { contour } from './contour.js'
import { cutOut } from './cut-out.js'
import { pixelsOf } from './image-input.js'
import type { Calls, Prompts } from './protocol.js'
import { sharedBackend } from './shared-backend.js'
import { modelCache, openModel, type OpenedModel } from './weights/open-model.js'

let opened: OpenedModel | undefined
let photo: ImageBitmap | undefined
let encoded: EncodedImage | undefined

const openBackend = sharedBackend(async prefer => {
  let choice: Choice
  const backend = await pickBackend({
    webgpu: () => import('@sam/backend-webgpu'),
    wasmPaths: { wasm, mjs },
    prefer,
    onChoice: c => {
      choice = c
    }
  })
  return { backend, choice: choice! }
})

const calls: Calls = {
  async load({ model, prefer }, context) {
    const { backend, choice } = await openBackend(prefer)
    const next = await openModel(model, { ...context, backend })
    if (context.signal.aborted) await next.dispose()
    context.signal.throwIfAborted()
    const before = opened
    opened = next
    encoded?.dispose()
    encoded = undefined
    await before?.dispose()
    const { sam, label = sam.config.name, note, again } = next
    return {
      name: label,
      note,
      backend: choice,
      again,
      supportsText: sam.textWidth !== undefined && sam.text !== undefined
    }
  },

  async encode({ bitmap }, { signal }) {
    const model = need(opened, 'a model').sam
    await model.recover()
    const began = performance.now()
    const made = await model.encode(bitmap, { signal }).catch((error: unknown) => {
      bitmap.close()
      throw error
    })
    encoded?.dispose()
    photo?.close()
    ;[photo, encoded] = [bitmap, made]
    return { milliseconds: performance.now() - began }
  },

  async predict({ prompts, best }, { signal }) {
    const image = need(encoded, 'an image')
    const { masks } = await image.predict(promptOf(prompts), { signal, best })
    const frame = frameOf(image, opened!.sam.config.imageSize)
    return masks.map(mask => ({
      score: mask.predictedIou,
      rings: contour(mask.lowResLogits!, frame),
      logits: mask.lowResLogits!
    }))
  },

  async export({ format, masks, file }) {
    const image = need(photo, 'an image')
    const frame = frameOf(image, opened!.sam.config.imageSize)
    const objects = masks.map(({ id, name, logits, score }) => ({
      id: String(id),
      category: name.replace(/[\0-\x1f\x7f]/g, ' ').trim() || undefined,
      mask: new Mask({ lowResLogits: logits, frame, predictedIou: score }),
      score
    }))
    if (format === 'png') {
      const cut = await cutOut(
        pixelsOf(image),
        objects.map(o => o.mask)
      )
      return new Blob([cut as Uint8Array<ArrayBuffer>], { type: 'image/png' })
    }
    const { writeAnnotations } = await import('@sam/annotations')
    const { width, height } = image
    const annotated = { file, width, height, objects: objects.filter(({ mask }) => mask.area) }
    const [bytes] = writeAnnotations([annotated], { format, simplify: 0.5 }).values()
    return new Blob([bytes as Uint8Array<ArrayBuffer>], {
      type: format === 'svg' ? 'image/svg+xml' : 'application/json'
    })
  },

  stored: async () => (await (await modelCache())?.list()) ?? [],
  remove: async ({ key }) => (await modelCache())?.remove(key)
}

/** Converts an object's prompts to a model prompt: strokes are painted over the mask to refine, as a mask prompt. */
function promptOf({ points, box, strokes, phrase, from }: Prompts): Prompt {
  const { width, height } = encoded!
  const prompt = { points, ...(box && { box }), ...(phrase !== undefined && { text: phrase }) }
  if (!strokes.length) return from ? { ...prompt, mask: from } : prompt
  const frame = frameOf(encoded!, opened!.sam.config.imageSize)
  const base = from ? new Mask({ lowResLogits: from, frame, predictedIou: 1 }).bitmap() : new Uint8Array(width * height)
  return { ...prompt, mask: paintStrokes({ width, height, data: base }, strokes) }
}

function need<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new InputError('E_BAD_OPTION', `${name} must be loaded first`)
  return thing
}

serve(() => ({ calls }))
