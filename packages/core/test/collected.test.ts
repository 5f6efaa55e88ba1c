import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSam, openWeights, type Backend, type Sam } from '../src/index.js'
import { tinyTest } from '../src/sam/config.js'
import { referenceBackend } from '../src/testing.js'
import { fixturePath } from './tiny-io.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects what is unreachable, and runs what is called for it. */
async function collect(): Promise<void> {
  for (let i = 0; i < 6; i++) {
    gc()
    await new Promise(resume => setTimeout(resume, 10))
  }
}

/** The tensors and executables of a backend that were not disposed of. */
interface Live {
  tensors: number
  executables: number
}

/**
 * A backend that counts what it holds, and whose encoder and per-image stages take no time: the values do not matter
 * here.
 */
function counting(live: Live): Backend {
  const backend = referenceBackend()
  return {
    ...backend,
    async compile(graph, weights, options) {
      const executable = await backend.compile(graph, weights, options)
      live.executables++
      let outputs: ReturnType<typeof executable.run> | undefined
      return {
        ...executable,
        async run(feeds, options) {
          outputs ??= executable.run(feeds, options)
          return Object.fromEntries(
            Object.entries(await outputs).map(([name, tensor]) => {
              live.tensors++
              let disposed = false
              const dispose = (): void => {
                live.tensors -= disposed ? 0 : 1
                disposed = true
              }
              return [name, { ...tensor, dispose }]
            })
          )
        },
        dispose() {
          live.executables--
          executable.dispose()
        }
      }
    }
  }
}

const photo = { width: 8, height: 6, data: new Uint8Array(8 * 6 * 3) }
const click = { points: [{ x: 3, y: 3 }] }
const load = (backend: Backend): Promise<Sam> =>
  loadSam({ weights: fixturePath('tiny-checkpoint.safetensors'), model: tinyTest, backend })

describe('what was not disposed of', () => {
  let live: Live
  beforeEach(() => {
    live = { tensors: 0, executables: 0 }
  })

  it('is freed with its image: 200 images, with and without a prediction', async () => {
    const sam = await load(counting(live))
    for (let i = 0; i < 200; i++) {
      const image = await sam.encode(photo)
      if (i % 4 === 0) await image.predict(click)
    }
    expect(live.tensors).toBeGreaterThan(200)
    await collect()
    expect(live.tensors).toBeLessThan(10) // what this frame may still refer to
    await sam.dispose()
  })

  it('stays while its image is used: during a prediction, and while there is a reference to it', async () => {
    const sam = await load(counting(live))
    const kept = await sam.encode(photo)
    const predicting = (await sam.encode(photo)).predict([click, click])
    await collect()
    expect((await predicting).map(({ masks }) => masks.length)).toEqual([3, 3])
    await collect()
    expect((await kept.predict(click)).masks).toHaveLength(3)
    await sam.dispose()
  })

  it('is freed once: an image that was disposed of is not registered any more', async () => {
    const sam = await load(counting(live))
    for (let i = 0; i < 5; i++) (await sam.encode(photo)).dispose()
    expect(live.tensors).toBe(0)
    await collect()
    expect(live.tensors).toBe(0)
    await sam.dispose()
  })

  it('is freed with its model, after its last image', async () => {
    const backend = counting(live)
    const encodeWithOwnModel = async () => (await load(backend)).encode(photo)
    let image: Awaited<ReturnType<typeof encodeWithOwnModel>> | undefined = await encodeWithOwnModel()
    await collect()
    expect(live.executables).toBeGreaterThan(0)
    expect((await image.predict(click)).masks).toHaveLength(3)
    image = undefined
    await collect()
    expect(live).toEqual({ tensors: 0, executables: 0 })
  })
})

/** The function that reads a checkpoint, without the source that it is of. */
async function readerAlone() {
  const source = await openWeights(fixturePath('tiny-checkpoint.pth'))
  return { name: source.names[0], read: source.read.bind(undefined) }
}

describe('a file that was not closed', () => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  beforeEach(() => {
    warnings.length = 0
    process.on('warning', warn)
  })
  afterEach(() => {
    process.off('warning', warn)
  })

  /** How often this process has the checkpoint open; where the system does not tell, 0. */
  const openFiles = (): number =>
    existsSync('/proc/self/fd')
      ? readdirSync('/proc/self/fd').filter(fd => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`) === fixturePath('tiny-checkpoint.pth')
          } catch {
            return false // closed since
          }
        }).length
      : 0

  it('is closed without a warning of Node: weights and models', async () => {
    for (let i = 0; i < 5; i++) await openWeights(fixturePath('tiny-checkpoint.pth'))
    await loadSam({
      weights: fixturePath('tiny-checkpoint.pth'),
      model: tinyTest,
      backend: counting({ tensors: 0, executables: 0 })
    })
    await collect()
    await collect()
    expect(openFiles()).toBe(0)
    expect(warnings.map(String)).toEqual([])
  })

  it('stays open while it can be read', async () => {
    const { name, read } = await readerAlone()
    await collect()
    expect((await read(name)).data.length).toBeGreaterThan(0)
  })
})
