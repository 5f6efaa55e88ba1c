import { wasm } from '@sam/backend-wasm'
import { loadSam } from '@sam/core'
import mjsUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

const status = document.querySelector('p')!
const canvas = document.querySelector('canvas')!
const context = canvas.getContext('2d')!

const file = await (await fetch('/coffee.jpg')).blob()
const photo = await createImageBitmap(file)
canvas.width = photo.width
canvas.height = photo.height
context.drawImage(photo, 0, 0)

const embedding = fetch('/embedding', { method: 'POST', body: file }).then(response => response.arrayBuffer())
const sam = await loadSam({
  weights: '/decoder.safetensors',
  model: 'mobile_sam',
  parts: 'decoder',
  backend: await wasm({ wasmPaths: { wasm: wasmUrl, mjs: mjsUrl } })
})
const image = await sam.load(new Uint8Array(await embedding))
status.textContent = 'Click on the photo.'

canvas.addEventListener('click', async ({ offsetX: x, offsetY: y }) => {
  const { masks } = await image.predict({ points: [{ x, y }] })
  const { data, width, height } = masks[0].toImageData()
  context.drawImage(photo, 0, 0)
  context.drawImage(await createImageBitmap(new ImageData(data, width, height)), 0, 0)
  status.textContent = `${masks[0].area} pixels`
})
