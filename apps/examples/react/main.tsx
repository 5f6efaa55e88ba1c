import { Suspense, use, useEffect, useRef, useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { Prompt } from '@sam/core'
import { useMasks, useSam } from './use-sam.js'

const loading = fetch('/coffee.jpg').then(async response => createImageBitmap(await response.blob()))
const said = { encoding: 'Encoding the photo …', decoding: 'Decoding …' }

function Photo() {
  const photo = use(loading)
  const [prompt, setPrompt] = useState<Prompt>()
  const { doing, masks } = useMasks(useSam(), photo, prompt)
  const mask = masks?.[0]
  const canvas = useRef<HTMLCanvasElement>(null)

  useEffect(() => {
    const context = canvas.current!.getContext('2d')!
    context.drawImage(photo, 0, 0)
    if (!mask) return
    const { data, width, height } = mask.toImageData()
    void createImageBitmap(new ImageData(data, width, height)).then(picture => context.drawImage(picture, 0, 0))
  }, [photo, mask])

  return (
    <>
      <p>{doing ? said[doing] : mask ? `${mask.area} pixels` : 'Click on the photo.'}</p>
      <canvas
        ref={canvas}
        width={photo.width}
        height={photo.height}
        onClick={({ nativeEvent: { offsetX: x, offsetY: y } }) => setPrompt({ points: [{ x, y }] })}
      />
    </>
  )
}

createRoot(document.querySelector('main')!).render(
  <Suspense fallback={<p>Loading MobileSAM …</p>}>
    <Photo />
  </Suspense>
)
