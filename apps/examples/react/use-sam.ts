import { use, useEffect, useState } from 'react'
import type { ImageInput, Mask, Prompt } from '@sam/core'
import { connectSam, type RemoteImage, type RemoteSam } from '@sam/worker'

let loading: Promise<RemoteSam> | undefined

/** MobileSAM in a worker, loaded once for the page. The component suspends until it is loaded. */
export const useSam = (): RemoteSam =>
  use((loading ??= connectSam(new Worker(new URL('./sam.worker.ts', import.meta.url), { type: 'module' }))))

/** What {@link useMasks} does, and the masks for the latest prompt, best first. */
export interface Masks {
  readonly doing: 'encoding' | 'decoding' | undefined
  readonly masks: readonly Mask[] | undefined
}

/** The masks for a prompt. The photo is encoded once. */
export function useMasks(sam: RemoteSam, photo: ImageInput, prompt?: Prompt): Masks {
  const [image, setImage] = useState<RemoteImage>()
  const [decoded, setDecoded] = useState<{ prompt: Prompt; masks: readonly Mask[] }>()

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
        if (image && prompt) setDecoded({ prompt, masks: (await image.predict(prompt, { signal })).masks })
      }),
    [image, prompt]
  )
  const doing = !image ? 'encoding' : decoded?.prompt !== prompt ? 'decoding' : undefined
  return { doing, masks: decoded?.masks }

  /** Runs work until the effect is cleaned up. Its errors go to the nearest error boundary. */
  function task(work: (signal: AbortSignal) => Promise<void>): () => void {
    const controller = new AbortController()
    work(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted)
        setDecoded(() => {
          throw error
        })
    })
    return () => controller.abort()
  }
}
