import { connectServer } from '@sam/client'

const parameters = new URLSearchParams(location.search)
const token = parameters.get('token')!
const sam = await connectServer(parameters.get('server')!, { token })

/** A light square on a dark ground, with an edge between pixels. */
const canvas = document.createElement('canvas')
canvas.width = 160
canvas.height = 120
const context = canvas.getContext('2d')!
context.fillStyle = 'rgb(24 40 56)'
context.fillRect(0, 0, 160, 120)
context.fillStyle = 'rgb(250 220 120)'
context.fillRect(40, 30, 70, 60)
const pixels = context.getImageData(0, 0, 160, 120)
const file = await new Promise<Blob>(resolve => canvas.toBlob(blob => resolve(blob!)))

const inputs = { canvas, bitmap: await createImageBitmap(canvas), pixels, file, url: URL.createObjectURL(file) }
const masks: Record<string, string> = {}
for (const [name, input] of Object.entries(inputs)) {
  const image = await sam.encode(input)
  const prediction = await image.predict({ points: [{ x: 75, y: 60 }] })
  masks[name] = String(prediction.masks[0].toCocoRle().counts)
}
let streamed = 0
for await (const { added } of (await sam.encode(canvas)).streamMasks({
  pointsPerSide: 2,
  predIouThresh: 0,
  stabilityScoreThresh: 0
}))
  streamed += added.length
const refused = await connectServer(parameters.get('server')!, { token: 'another token' }).catch(
  (error: Error & { code?: string }) => error.code
)
Object.assign(globalThis, { result: { rgba: [...pixels.data], masks, streamed, refused } })
