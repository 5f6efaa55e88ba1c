/**
 * `npm run bench:server -- [--clients 200] [--clicks 5] [--images 200] [--minutes 3] [--photos DIR]`: the server with
 * MobileSAM on the CPU, in a process of its own. One client that calls the SDK, one that calls the server, many clients
 * on one image, and many on one image each: throughput, latency, errors, what the cache found, and memory. Photos
 * default to the one of the command line; each is made another image by a line of pixels.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { connectServer, type ServerImage } from '@sam/client'
import { decodeImage, loadSam, type RgbImage, type Sam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import { createServer } from '@sam/server'
import sharp from 'sharp'

const { values } = parseArgs({
  options: {
    serve: { type: 'string' },
    clients: { type: 'string', default: '200' },
    clicks: { type: 'string', default: '5' },
    images: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '3' },
    photos: { type: 'string' }
  }
})
const [clients, clicks, count, minutes] = [values.clients, values.clicks, values.images, values.minutes].map(Number)

const load = async (): Promise<{ sam: Sam; device: string }> => {
  const backend = await cpu()
  const { weights } = await mobileModel()
  return { sam: await loadSam({ weights, backend }), device: backend.name }
}

if (values.serve !== undefined) {
  const server = await createServer({
    models: { mobile_sam: await load() },
    cache: { folder: values.serve, memoryBytes: 2 ** 30 },
    logLevel: 'warn'
  })
  console.log(await server.listen({ port: 0 }))
  await new Promise(() => {})
}

const child = spawn(
  process.execPath,
  ['tools/run.js', 'tools/bench/server.ts', '--serve', mkdtempSync(join(tmpdir(), 'sam-bench-'))],
  { stdio: ['ignore', 'pipe', 'inherit'] }
)
const url = await new Promise<string>((resolve, reject) => {
  child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()))
  child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
})
process.on('exit', () => child.kill())

const metric = async (pattern: RegExp): Promise<number> =>
  Number(pattern.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0)
const memory = async (): Promise<number> => (await metric(/^process_resident_memory_bytes (\S+)/m)) / 2 ** 20
const found = async (): Promise<string> => {
  const [inMemory, onDisk, encoded] = await Promise.all(
    ['memory', 'disk', 'encoded'].map(how => metric(new RegExp(`found="${how}"} (\\d+)`)))
  )
  const all = inMemory + onDisk + encoded
  return `${inMemory} in memory, ${onDisk} on disk, ${encoded} encoded: hit rate ${(100 * (1 - encoded / all)).toFixed(1)}%`
}

interface Load {
  readonly seconds: number
  readonly times: number[]
  readonly errors: number
}

/** Runs `work` of all clients at the same time; each calls `timed` for what counts. */
async function all(
  n: number,
  work: (client: number, timed: <T>(call: () => Promise<T>) => Promise<T>) => Promise<void>
): Promise<Load> {
  const times: number[] = []
  let errors = 0
  const start = performance.now()
  const timed = async <T>(call: () => Promise<T>): Promise<T> => {
    const from = performance.now()
    const result = await call()
    times.push(performance.now() - from)
    return result
  }
  await Promise.all(
    Array.from({ length: n }, (_, client) =>
      work(client, timed).catch((error: unknown) => {
        errors++
        console.error(error)
      })
    )
  )
  return { seconds: (performance.now() - start) / 1000, times: times.sort((a, b) => a - b), errors }
}

const at = (times: readonly number[], part: number): string =>
  times[Math.min(times.length - 1, Math.floor(part * times.length))].toFixed(0)
const report = (name: string, { seconds, times, errors }: Load): void =>
  console.log(
    `${name}: ${(times.length / seconds).toFixed(2)}/s, p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, ${errors} errors`
  )

const files = values.photos
  ? readdirSync(values.photos).map(name => join(values.photos!, name))
  : ['apps/cli/assets/cat.jpg', 'apps/cli/assets/coffee.jpg', 'apps/cli/assets/scene.jpg']
const photos: RgbImage[] = []
for (const file of files) photos.push(await decodeImage(await readFile(file)))

/** The file of the i-th image: a photo with a line that no other has. */
async function image(i: number): Promise<Uint8Array> {
  const { width, height, data } = photos[i % photos.length]
  const own = new Uint8Array(data)
  for (let x = 0; x < 30; x++) own[x] = (i >> Math.floor(x / 3)) % 2 ? 255 : 0
  return sharp(own, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}
const click = ({ width, height }: { width: number; height: number }, k: number) => ({
  points: [{ x: width * (0.2 + 0.6 * ((k * 0.37) % 1)), y: height * (0.2 + 0.6 * ((k * 0.71) % 1)) }]
})

// The SDK and the server in turn, each with one client.
const { sam } = await load()
const remote = await connectServer(url, { retries: 1000 })
const [mine, theirs] = [await sam.encode(await image(0)), await remote.encode(await image(0))]
const sdk: number[] = []
const server: number[] = []
for (let k = 0; k < 60; k++) {
  let from = performance.now()
  ;(await mine.predict(click(mine, k))).masks.map(mask => mask.toJSON())
  sdk.push(performance.now() - from)
  from = performance.now()
  await theirs.predict(click(theirs, k))
  server.push(performance.now() - from)
}
const encodes: [sdk: number, server: number][] = []
for (let i = 1; i <= 8; i++) {
  const bytes = await image(100_000 + i)
  let from = performance.now()
  ;(await sam.encode(bytes)).dispose()
  const own = performance.now() - from
  from = performance.now()
  await remote.encode(bytes)
  encodes.push([own, performance.now() - from])
}
const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1]
const sdkEncode = median(encodes.map(([one]) => one))
console.log(`one client, click: SDK ${median(sdk).toFixed(1)} ms, server ${median(server).toFixed(1)} ms`)
console.log(
  `one client, encode: SDK ${sdkEncode.toFixed(0)} ms, server ${median(encodes.map(([, two]) => two)).toFixed(0)} ms`
)
mine.dispose()
await sam.dispose()

report(
  `${clients} clients on one image, ${clicks} clicks each`,
  await all(clients, async (_, timed) => {
    const one = await remote.encode(await image(0))
    for (let k = 0; k < clicks; k++) await timed(() => one.predict(click(one, k)))
  })
)
console.log(`memory ${(await memory()).toFixed(0)} MiB; ${await found()}`)

const encoded: ServerImage[] = []
for (const n of [Math.round(count / 10), count]) {
  const bytes = await Promise.all(Array.from({ length: n }, (_, i) => image(1000 * n + i)))
  const load = await all(n, async (client, timed) => {
    encoded.push(await timed(() => remote.encode(bytes[client])))
  })
  report(`${n} clients on ${n} images, encode`, load)
  console.log(`  ${((1000 * load.seconds) / n).toFixed(0)} ms per image; memory ${(await memory()).toFixed(0)} MiB`)
}
report(
  `${clients} clients on ${encoded.length} images, ${clicks} clicks each`,
  await all(clients, async (client, timed) => {
    for (let k = 0; k < clicks; k++) {
      const one = encoded[(client + 7 * k) % encoded.length]
      await timed(() => one.predict(click(one, k)))
    }
  })
)
console.log(`memory ${(await memory()).toFixed(0)} MiB; ${await found()}`)

// As many requests as many users make in a long time: does memory stay?
const end = Date.now() + minutes * 60_000
const samples: number[] = []
let requests = 0
for (let k = 0; Date.now() < end; k++) {
  const { times } = await all(20, async (client, timed) => {
    const one = encoded[(20 * k + client) % encoded.length]
    for (let i = 0; i < 5; i++) await timed(() => one.predict(click(one, k + i)))
  })
  requests += times.length
  samples.push(await memory())
}
const quarter = Math.max(1, samples.length >> 2)
const mean = (list: readonly number[]): string => (list.reduce((a, b) => a + b, 0) / list.length).toFixed(0)
console.log(
  `${requests} requests in ${minutes} minutes: memory ${mean(samples.slice(quarter, 2 * quarter))} MiB in the second quarter, ${mean(samples.slice(-quarter))} MiB in the last`
)
process.exit()
