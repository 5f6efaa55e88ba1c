import { use, useEffect, useState } from 'react'
import { pickBackend } from '@sam/backend-wasm'
import { loadSam, type EncodedImage, type ImageInput, type Mask, type Prompt, type Sam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

async function load(): Promise<Sam> {
  const backend = await pickBackend({ webgpu: () => import('@sam/backend-webgpu'), wasmPaths: { wasm, mjs } })
  const { weights } = await mobileModel()
  return loadSam({ weights, backend })
}

let loading: Promise<Sam> | undefined

/** MobileSAM, loaded once for the page. The component suspends until it is loaded. */
export const useSam = (): Sam => use((loading ??= load()))

/** The masks for a prompt, best first; undefined until the photo is encoded, and without a prompt. */
export function useMasks(sam: Sam, photo: ImageInput, prompt?: Prompt): readonly Mask[] | undefined {
  const [image, setImage] = useState<EncodedImage>()
  const [masks, setMasks] = useState<readonly Mask[]>()

  useEffect(
    () =>
      task(async signal => {
        const encoded = await sam.encode(photo, { signal })
        signal.addEventListener('abort', () => encoded.dispose())
        setImage(encoded)
      }),
    [sam, photo]
  )
  useEffect(
    () =>
      task(async signal => {
        setMasks(image && prompt && (await image.predict(prompt, { signal })).masks)
      }),
    [image, prompt]
  )
  return masks

  /** Runs work until the effect is cleaned up. Its errors go to the nearest error boundary. */
  function task(work: (signal: AbortSignal) => Promise<void>): () => void {
    const controller = new AbortController()
    work(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted)
        setMasks(() => {
          throw error
        })
    })
    return () => controller.abort()
  }
}
