/** The compute thread: holds the backend and the models, and makes the files of exports, so the page stays responsive. */
import { pickBackend, type Choice } from '@sam/backend-wasm'
import { InputError } from '@sam/core'
import { serve, serveSam } from '@sam/worker'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { cutOut } from './export/cut-out.js'
import { cleaned, type ExportPicture } from './export/export-picture.js'
import { makeFiles } from './export/make-files.js'
import { packed } from './export/packed.js'
import { bundledModels } from './model/bundled-models.js'
import { sharedBackend } from './model/shared-backend.js'
import { modelCache, openModel, type OpenedModel } from './model/weights/open-model.js'
import { isSamPort, type Calls } from './protocol.js'

const models = new Map<number, OpenedModel>()
let serial = 0

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

/** RGBA pixels of a picture. Throws `InputError` `E_BAD_IMAGE`. */
async function pixelsOf({ blob, width, height }: Pick<ExportPicture, 'blob' | 'width' | 'height'>): Promise<ImageData> {
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' })
  try {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context)
      throw new InputError(
        'E_BAD_IMAGE',
        `a picture of ${width} × ${height} pixels is too large for this browser; resize it`
      )
    context.drawImage(bitmap, 0, 0)
    return context.getImageData(0, 0, width, height)
  } finally {
    bitmap.close()
  }
}

const calls: Calls = {
  async load({ model, prefer }, context) {
    const { backend, choice } = await openBackend(prefer)
    const opened = await openModel(model, { ...context, backend })
    if (context.signal.aborted) await opened.dispose()
    context.signal.throwIfAborted()
    const id = ++serial
    models.set(id, opened)
    const { sam, label = sam.config.name, note, again } = opened
    const own = model.kind === 'bundled' ? bundledModels[model.name].automatic : undefined
    const automatic = own ?? { pointsPerSide: choice.name === 'webgpu' ? 32 : 16 }
    return { id, name: label, note, backend: choice, again, automatic }
  },
  async unload({ id }) {
    const model = models.get(id)
    models.delete(id)
    await model?.dispose()
  },

  async export({ pictures, format, masks, name }, { signal, onStep }) {
    const files = await makeFiles(pictures, {
      format,
      masks,
      pixelsOf,
      signal,
      onStep: (done, total) => onStep({ done, total })
    })
    return packed(files, name)
  },
  async cutOut({ picture, masks }) {
    const objects = picture.objects.map(({ mask }) => cleaned(mask, masks))
    const png = await cutOut(await pixelsOf(picture), objects, masks)
    return new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' })
  },

  stored: async () => (await (await modelCache())?.list()) ?? [],
  remove: async ({ key }) => (await modelCache())?.remove(key),
  resources: () => performance.getEntriesByType('resource').map(({ name }) => name)
}

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (!isSamPort(data)) return
  const model = models.get(data.samOf)
  if (model) serveSam(async () => model.sam, data.port)
})
serve(() => ({ calls }))
