import { writeFileSync } from 'node:fs'
import { loadSam, decodeImage } from '@sam/core'
import { cpu } from '@sam/backend-cpu'
process.env.ORT_DISABLE_TELEMETRY ??= '1'
const backend = await cpu()
const sam = await loadSam({ weights: '/work/shared/reference/mobile_sam.pt', backend })
const image = await sam.encode(await decodeImage(process.argv[2]))
console.log(image.width, image.height)
const points = [[500,375],[900,600],[1200,800],[300,900],[1500,300]]
const out = new Float32Array(points.length * 3 * 65536)
for (const [i, [x, y]] of points.entries()) {
  const { masks } = await image.predict({ points: [{ x, y }] })
  masks.forEach((m, k) => out.set(m.lowResLogits!, (i * 3 + k) * 65536))
}
writeFileSync('/tmp/truck-masks.f32', new Uint8Array(out.buffer))
image.dispose(); await sam.dispose(); backend.dispose()
