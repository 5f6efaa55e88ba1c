import { connectSam } from '@sam/worker'

const status = document.querySelector('p')!
const canvas = document.querySelector('canvas')!
const context = canvas.getContext('2d')!

const photo = await createImageBitmap(await (await fetch('/coffee.jpg')).blob())
canvas.width = photo.width
canvas.height = photo.height
context.drawImage(photo, 0, 0)

const sam = await connectSam(new Worker(new URL('./sam.worker.ts', import.meta.url), { type: 'module' }))
status.textContent = 'Encoding the photo …'
const image = await sam.encode(photo)
status.textContent = 'Click on the photo.'

canvas.addEventListener('click', async ({ offsetX: x, offsetY: y }) => {
  const { masks } = await image.predict({ points: [{ x, y }] })
  const { data, width, height } = masks[0].toImageData()
  context.drawImage(photo, 0, 0)
  context.drawImage(await createImageBitmap(new ImageData(data, width, height)), 0, 0)
  status.textContent = `${masks[0].area} pixels`
})
