import { mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { toOnnx } from '@sam/onnx'
import sharp from 'sharp'
import { annotationTargets } from './annotation-targets.js'
import { projectTarget } from './project-target.js'
import type { Target } from './target.js'
import { memoryBytes } from '../../packages/core/src/io/byte-source.js'
import { decodeSamples } from '../../packages/core/src/io/node.js'
import { compressRle, decodeRle, encodeRle, type CocoRle } from '../../packages/core/src/masks/rle.js'
import { readEmbedding, writeEmbedding } from '../../packages/core/src/sdk/embedding-file.js'
import { tracePolygons } from '../../packages/core/src/masks/polygons.js'
import { rasterize } from '../../packages/core/src/masks/rasterize.js'
import { runsOfBitmap } from '../../packages/core/src/masks/runs.js'
import { gridSize, tinyTest as config } from '../../packages/core/src/sam/config.js'
import { coco } from '../../packages/train/src/data/coco.js'
import { maskValues, masksOfSamples } from '../../packages/train/src/data/mask-picture.js'
import { clipConfigJson, parseClipConfig } from '../../packages/clip/src/graph/config.js'
import { encodeText } from '../../packages/clip/src/graph/text-model.js'
import { encodeCrops } from '../../packages/clip/src/graph/vision-model.js'
import { openTokenizer } from '../../packages/clip/src/tokenizer.js'
import { paramsOf } from '../../packages/core/src/ir/graph.js'
import { nameOf } from '../../packages/core/src/ir/value.js'
import { tiny, type SamConfig } from '../../packages/core/src/sam/config.js'
import { decodeMasks, encodeImage } from '../../packages/core/src/sam/graphs.js'
import { parseConfig } from '../../packages/core/src/sam/parse-config.js'
import { configKey, recognise } from '../../packages/core/src/sam/recognise.js'
import { SamError } from '../../packages/core/src/errors.js'
import { full } from '../../packages/core/src/tensor/tensor.js'
import { openWeights } from '../../packages/core/src/weights/open.js'
import { openPth } from '../../packages/core/src/weights/pth.js'
import { writePth } from '../../packages/core/src/weights/pth-write.js'
import { writeSafetensors } from '../../packages/core/src/weights/safetensors.js'
import { memoryWeights, storedIn } from '../../packages/core/src/weights/source.js'
import { openZip, readEntry } from '../../packages/core/src/weights/zip.js'
import { writeZip } from '../../packages/core/src/weights/zip-write.js'

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(`fixtures/torch/${name}`))
const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

/** Opens a checkpoint and reads all of it. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const source = await openWeights(bytes)
  for (const name of source.names) {
    const { shape } = source.info(name)
    const { data } = await source.read(name)
    if (data.length !== shape.reduce((n, d) => n * d, 1))
      throw new Error(`'${name}' [${shape}] came back with ${data.length} elements`)
  }
}

/** A value of a JSON text; undefined where it is none, which is for `JSON.parse` to find. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('latin1').decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

/** Builds what a configuration stands for: the graphs of an image and of a click. */
const build = (sam: SamConfig) => [encodeImage(sam), decodeMasks(sam, { prompts: 1, points: 2, masks: true })]

/** The names and shapes of a SAM in a file as small as they allow: one dtype of a byte, all zeros. */
async function checkpointOf(sam: SamConfig, metadata: Record<string, string> = {}): Promise<Uint8Array> {
  const shapes = build(sam)
    .flatMap(paramsOf)
    .map(p => [nameOf(p)!, full('f32', p.shape, 0)] as const)
  return collect(writeSafetensors(storedIn(memoryWeights(Object.fromEntries(shapes)), 'I8'), { metadata }))
}

/** The encoder of a SAM as an ONNX file, with its configuration. */
async function onnxOf(sam: SamConfig): Promise<Uint8Array> {
  const g = encodeImage(sam)
  const weights = memoryWeights(Object.fromEntries(paramsOf(g).map(p => [nameOf(p)!, full('f32', p.shape, 0.5)])))
  const metadata = { [configKey]: JSON.stringify(sam) }
  return (await toOnnx(g, { weights, metadata, inlineLimit: Infinity })).model
}

export async function allTargets(): Promise<readonly Target[]> {
  const weights = memoryWeights({
    'image_encoder.pos_embed': full('f32', [1, 2, 2, 3], 0.5),
    scale: full('f16', [], 1),
    flags: full('bool', [0, 4], 1)
  })
  const torch = ['training.pth', 'protocol-4.pth', 'harmful.pth', 'legacy.pth'].map(fixture)
  const files = memoryBytes(fixture('training.pth'))
  const archive = await openZip(files)
  const entries: { name: string; data: Uint8Array }[] = []
  for (const entry of archive.values())
    entries.push({ name: entry.name, data: await readEntry(files, entry, { limit: 1e6 }) })
  const pickles = entries.filter(({ name }) => name.endsWith('data.pkl')).map(({ data }) => data)
  const g = gridSize(config)
  const embedding = {
    embedding: full('f32', [1, config.width, g, g], 0.5),
    width: 30,
    height: 20,
    image: 'i',
    encoder: 'e'
  }
  const smallest: SamConfig = {
    ...config,
    imageSize: 32,
    imageEncoder: { patchSize: 16, width: 4, depth: 2, heads: 1, mlpRatio: 1, window: 1, globalBlocks: [1] },
    width: 8,
    maskChannels: 4,
    decoder: { depth: 1, heads: 1, mlpWidth: 4, iouHiddenWidth: 4, multimaskOutputs: 2 }
  }
  const clip = {
    text: { width: 8, depth: 1, heads: 2, mlpWidth: 8, vocabulary: 775, context: 12, end: 774 },
    vision: { width: 8, depth: 1, heads: 2, mlpWidth: 8, imageSize: 8, patchSize: 4 },
    projection: 4,
    activation: 'gelu',
    eps: 1e-5
  } as const
  const tokenizer = smallTokenizer()
  const bitmap = { width: 7, height: 5, data: Uint8Array.from({ length: 35 }, (_, i) => ((i * i) % 3 ? 0 : 1)) }
  const packed = compressRle(encodeRle(bitmap))

  return [
    {
      name: 'safetensors',
      corpus: [
        await collect(writeSafetensors(weights, { metadata: { format: 'pt' } })),
        await collect(writeSafetensors(storedIn(weights, 'I64'))),
        fixture('expected.safetensors')
      ],
      run: readAll
    },
    { name: 'onnx', corpus: [await onnxOf(smallest)], run: readAll },
    { name: 'pth', corpus: [await collect(writePth(weights)), ...torch], run: readAll },
    {
      // The archive made anew around a damaged pickle: its checksum would keep the damage from the unpickler.
      name: 'pickle',
      corpus: pickles,
      run: async pickle => {
        const files = entries.map(({ name, data }) => ({
          name,
          bytes: () => (name.endsWith('data.pkl') ? pickle : data)
        }))
        const source = await openPth(memoryBytes(await collect(writeZip(files))))
        for (const name of source.names) await source.read(name)
      }
    },
    {
      name: 'rle',
      corpus: [text(encodeRle(bitmap)), text(packed), text({ size: [3, 4], counts: [0, 12] })],
      run: async bytes => {
        let json: unknown
        try {
          json = JSON.parse(new TextDecoder('latin1').decode(bytes))
        } catch {
          return
        }
        decodeRle(json as CocoRle)
      }
    },
    {
      name: 'rle string',
      corpus: [packed, compressRle({ size: [5, 7], counts: [35] }), compressRle({ size: [5, 7], counts: [0, 35] })].map(
        ({ counts }) => text(counts)
      ),
      run: async bytes => {
        decodeRle({ size: [5, 7], counts: String.fromCharCode(...bytes) })
      }
    },
    {
      name: 'coco json',
      corpus: [
        text(
          cocoOf(
            [
              [1, 1, 6, 1, 6, 4],
              [0, 0, 9, 0]
            ],
            [packed, encodeRle(bitmap), null]
          )
        ),
        text(`\ufeff${JSON.stringify(cocoOf([[1, 1, 6, 1, 6, 4.5]], [])).replace('"area":1', '"area":NaN')}`)
      ],
      run: readCoco
    },
    {
      name: 'mask picture',
      corpus: await maskPictures(),
      run: async bytes => {
        const samples = await decodeSamples(bytes, { maxPixels: 2 ** 20 })
        for (const values of [undefined, ...maskValues]) {
          for (const { width, height, data } of await Promise.resolve()
            .then(() => masksOfSamples(samples, { path: 'mask', values }))
            .catch((error: unknown) => {
              if (!SamError.is(error)) throw error
              return []
            }))
            if (data.length !== width * height || !data.includes(1) || data.some(v => v > 1))
              throw new Error(`a mask of ${width} × ${height} must have pixels of 0 and 1, and some inside`)
        }
      }
    },
    {
      name: 'polygons',
      corpus: [bitmap.data, Uint8Array.from({ length: 64 }, (_, i) => (i ^ (i >> 3)) & 1)],
      run: async bytes => {
        const width = 1 + (bytes.length % 9)
        const height = Math.floor(bytes.length / width)
        if (height === 0) return
        const data = bytes.slice(0, width * height).map(value => value & 1)
        const back = rasterize(tracePolygons(runsOfBitmap({ width, height, data })), { width, height })
        if (Buffer.compare(data, back.data))
          throw new Error(`the polygons of a ${width}×${height} bitmap are not that bitmap`)
      }
    },
    {
      name: 'saved embedding',
      corpus: [await writeEmbedding(embedding, config)],
      run: async bytes => {
        await readEmbedding(bytes, { config, encoder: 'e' })
      }
    },
    {
      name: 'sam configuration',
      corpus: [text(smallest), text(config), text(tiny)],
      run: async bytes => {
        build(parseConfig(new TextDecoder('latin1').decode(bytes), 'config.json'))
      }
    },
    {
      name: 'recognise',
      corpus: [await checkpointOf(smallest), await checkpointOf(smallest, { [configKey]: JSON.stringify(smallest) })],
      run: async bytes => {
        const sam = recognise(await openWeights(bytes), { decoderHeads: 1 })
        if (sam) build(sam)
      }
    },
    {
      name: 'clip configuration',
      corpus: [text(clipConfigJson(clip)), text({ model_type: 'clip', text_config: {}, vision_config: {} })],
      run: async bytes => {
        const json = parsed(bytes)
        if (json === undefined) return
        const found = parseClipConfig(json)
        encodeText(found, { texts: 1 })
        encodeCrops(found, { images: 1, masked: true })
      }
    },
    {
      name: 'tokenizer',
      corpus: [text(tokenizer)],
      run: async bytes => {
        const json = parsed(bytes)
        if (json === undefined) return
        const tokenize = openTokenizer(json, { context: 40, vocabulary: 775, end: 774 })
        for (const phrase of ['a red star', 'aaaaaaaaaaaaaaaaaaaaaaaaaa!', 'Ünïcode 猫 42', 'x'.repeat(300)]) {
          const ids = await Promise.resolve()
            .then(() => tokenize(phrase))
            .catch((error: unknown) => {
              if (!SamError.is(error)) throw error
              return []
            })
          if (!ids.every(id => Number.isInteger(id) && id >= 0 && id < 775))
            throw new Error(`'${phrase}' has tokens that the model does not know: ${ids.join(' ')}`)
        }
      }
    },
    ...annotationTargets(),
    await projectTarget()
  ]
}

/** Annotations of one image of 7 × 5 pixels: polygons together, the others one by one. */
const cocoOf = (polygons: readonly number[][], others: readonly unknown[]): unknown => ({
  info: { year: 2023, contributor: 'a, "b" [c] {d}' },
  images: [{ id: 1, file_name: 'sub/a.png', width: 7, height: 5 }],
  annotations: [polygons, ...others].map((segmentation, id) => ({
    id,
    image_id: 1,
    category_id: 3,
    iscrowd: 0,
    area: 1,
    segmentation
  })),
  categories: [{ id: 3, name: 'thing' }]
})

/** Reads all of a COCO file, whose image is there; each thread has its own folder. */
async function readCoco(bytes: Uint8Array): Promise<void> {
  const folder = join('.cache/fuzz', `coco-${threadId}`)
  mkdirSync(folder, { recursive: true })
  const picture = sharp(new Uint8Array(35), { raw: { width: 7, height: 5, channels: 1 } })
  cocoImage ??= picture.png().toFile(join(folder, 'a.png'))
  await cocoImage
  const annotations = join(folder, 'labels.json')
  await writeFile(annotations, bytes)
  const data = await coco({ annotations, images: folder })
  for (let i = 0; i < data.size; i++) {
    const { image, truths } = await data.read(i)
    if (truths.some(({ mask }) => mask.length !== image.width * image.height || !mask.includes(1)))
      throw new Error('a mask must have the size of its image, and pixels inside')
  }
}
let cocoImage: Promise<unknown> | undefined

/** Mask pictures of every kind, some hundred bytes each. */
async function maskPictures(): Promise<Uint8Array[]> {
  const picture = (channels: 1 | 2 | 3 | 4, pixel: (i: number) => readonly number[]) =>
    sharp(Uint8Array.from(Array.from({ length: 64 }, (_, i) => pixel(i)).flat()), {
      raw: { width: 8, height: 8, channels }
    })
  const label = (i: number): number => (i % 8 < 3 ? 0 : i < 32 ? 1 : 2)
  const colour = (i: number): number[] =>
    [
      [0, 0, 0],
      [255, 0, 0],
      [0, 255, 0]
    ][label(i)]
  const pictures = [
    picture(1, i => [label(i)]).png(),
    picture(1, i => [label(i) && 255]).png(),
    picture(2, i => [label(i), i < 8 ? 0 : 255]).png(),
    picture(3, colour).png(),
    picture(3, colour).png({ palette: true, colours: 4 }),
    picture(4, i => [...colour(i), label(i) && 255]).png(),
    picture(1, i => [label(i)])
      .toColourspace('grey16')
      .png(),
    picture(1, i => [label(i)]).tiff({ compression: 'none' }),
    picture(1, i => [label(i) && 255]).jpeg()
  ]
  return Promise.all(pictures.map(async one => new Uint8Array(await one.toBuffer())))
}

/** CLIP's tokenizer of bytes alone: no merges, and the two tokens around a text. */
function smallTokenizer(): unknown {
  const json = JSON.parse(readFileSync('fixtures/clip-tokenizer-excerpt.json', 'utf8')) as {
    added_tokens: { id: number }[]
    post_processor: object
    model: { vocab: Record<string, number>; merges: unknown[] }
  }
  const letters = Object.keys(json.model.vocab).filter(token => [...token.replace('</w>', '')].length === 1)
  return {
    ...json,
    added_tokens: json.added_tokens.map((token, i) => ({ ...token, id: 773 + i })),
    post_processor: { ...json.post_processor, sep: ['<|endoftext|>', 774], cls: ['<|startoftext|>', 773] },
    model: {
      ...json.model,
      vocab: {
        ...Object.fromEntries(letters.slice(0, 700).map((token, i) => [token, i])),
        '<|startoftext|>': 773,
        '<|endoftext|>': 774
      },
      merges: []
    }
  }
}
