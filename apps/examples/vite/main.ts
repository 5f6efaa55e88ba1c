import { pickBackend } from '@sam/backend-wasm'
import { loadSam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

const status = document.querySelector('p')!
const canvas = document.querySelector('canvas')!
const context = canvas.getContext('2d')!

const photo = await createImageBitmap(await (await fetch('/coffee.jpg')).blob())
canvas.width = photo.width
canvas.height = photo.height
context.drawImage(photo, 0, 0)

const backend = await pickBackend({ webgpu: () => import('@sam/backend-webgpu'), wasmPaths: { wasm, mjs } })
const { weights } = await mobileModel()
const sam = await loadSam({ weights, backend })
const image = await sam.encode(photo)
status.textContent = 'Click on the photo.'

canvas.addEventListener('click', async ({ offsetX: x, offsetY: y }) => {
  const { masks } = await image.predict({ points: [{ x, y }] })
  const { data, width, height } = masks[0].toImageData()
  context.drawImage(photo, 0, 0)
  context.drawImage(await createImageBitmap(new ImageData(data, width, height)), 0, 0)
  status.textContent = `${masks[0].area} pixels`
})
