import { readFileSync } from 'node:fs'
import { memoryBytes } from '../../packages/core/src/io/byte-source.js'
import { compressRle, decodeRle, encodeRle, type CocoRle } from '../../packages/core/src/masks/rle.js'
import { readEmbedding, writeEmbedding } from '../../packages/core/src/sdk/embedding-file.js'
import { tracePolygons } from '../../packages/core/src/masks/polygons.js'
import { rasterize } from '../../packages/core/src/masks/rasterize.js'
import { gridSize, tinyTest as config } from '../../packages/core/src/sam/config.js'
import { full } from '../../packages/core/src/tensor/tensor.js'
import { openWeights } from '../../packages/core/src/weights/open.js'
import { openPth } from '../../packages/core/src/weights/pth.js'
import { writePth } from '../../packages/core/src/weights/pth-write.js'
import { writeSafetensors } from '../../packages/core/src/weights/safetensors.js'
import { memoryWeights, storedIn } from '../../packages/core/src/weights/source.js'
import { openZip, readEntry } from '../../packages/core/src/weights/zip.js'
import { writeZip } from '../../packages/core/src/weights/zip-write.js'

/**
 * A reader of untrusted bytes. `run` must come back or throw a `SamError`; a broken promise of its own it throws as a
 * plain `Error`.
 */
export interface Target {
  readonly name: string
  readonly corpus: readonly Uint8Array[]
  readonly run: (bytes: Uint8Array) => Promise<void>
}

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
      name: 'polygons',
      corpus: [bitmap.data, Uint8Array.from({ length: 64 }, (_, i) => (i ^ (i >> 3)) & 1)],
      run: async bytes => {
        const width = 1 + (bytes.length % 9)
        const height = Math.floor(bytes.length / width)
        if (height === 0) return
        const data = bytes.slice(0, width * height).map(value => value & 1)
        const back = rasterize(tracePolygons({ width, height, data }), { width, height })
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
    }
  ]
}
