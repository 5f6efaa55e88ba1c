import {
  checkFeeds,
  InputError,
  paramsOf,
  prepare,
  sizeOf,
  type CompileOptions,
  type DeviceTensor,
  type Executable,
  type Feeds,
  type Graph,
  type HostTensor,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import { lostError, type Device } from './device.js'
import { checked, dispatch } from './dispatch.js'
import { failure } from './failure.js'
import type { Limits } from './kernels/kernel.js'
import type { Tile } from './kernels/tile.js'
import { allocate, flush, free, resident, residentOf, shared, trim, upload, uploadHalves } from './memory.js'
import { schedule, type Schedule, type Slot } from './schedule.js'
import type { Buffer } from './view.js'

/**
 * Work handed to the device at once: about 20 ms of a small GPU, so that an abort takes effect and no driver's watchdog
 * bites.
 */
const flopsPerTurn = 2e10
/** Bytes that wait to be freed until something is submitted. */
const freedPerSubmit = 8 * 2 ** 20

/** A graph that can be placed on a device, and placed again after that device is lost. */
export interface Placeable extends Executable {
  /** Uploads weights and runs what depends on them alone. */
  place(device: Device, options?: CompileOptions): Promise<void>
}

export interface PlaceOptions {
  readonly keeps: (node: Value) => boolean
  readonly device: () => Device
  readonly halfWeights: boolean
  readonly largeTile?: Tile | undefined
  /** Told when the executable is disposed. */
  readonly forget: (executable: Placeable) => void
}

/** A graph as dispatches for devices with these limits. */
interface Lowered {
  readonly limits: Limits
  readonly setup: Schedule
  readonly run: Schedule
}

/** What stays on a device between runs: weights, constants, and what is computed from them once. */
interface Placed {
  readonly device: Device
  readonly every: Schedule
  readonly fixed: ReadonlyMap<Buffer, TensorInfo>
  readonly early: ReadonlyMap<string, TensorInfo>
}

/**
 * Readies a graph. Throws `WeightsError` where the weights do not fit and `BackendError` where the device's limits do
 * not suffice, before anything is uploaded.
 */
export function makeExecutable(
  graph: Graph,
  weights: WeightSource,
  { keeps, device: current, halfWeights, largeTile, forget }: PlaceOptions
): Placeable {
  const lower = ({ limits }: Device, tile?: Tile): Lowered => {
    const { setup, run } = prepare(graph, keeps, weights)
    const options = { limits, halfWeights, ...(tile ? { largeTile: tile } : {}) }
    return { limits, setup: schedule(setup, options), run: schedule(run, options) }
  }
  let schedules = lower(current(), largeTile)
  let placed: Placed | undefined
  let disposed = false
  let running = 0
  const release = (): void => {
    if (!placed || placed.device.lost() !== undefined) return
    for (const info of [...placed.fixed.values(), ...placed.early.values()]) free(placed.device, info)
    trim(placed.device)
    placed = undefined
  }

  const self: Placeable = {
    graph,
    async place(device, options = {}) {
      // A device after recovery may have other limits: what is fused, split and tiled depends on them.
      if (!sameLimits(schedules.limits, device.limits)) schedules = lower(device)
      const fixed = await placeWeights(device, { graph, weights, schedules }, options)
      try {
        await device
          .alive(
            device.compile(() => {
              for (const s of [schedules.setup, schedules.run]) warm(device, s)
            })
          )
          .catch(error => {
            throw failure(error, `compiling ${graph.name}`)
          })
        const ran = await runSchedule(device, schedules.setup, { fixed, fed: () => new Map(), signal: options.signal })
        placed = { device, every: schedules.run, fixed, early: ran }
        dropUnused(placed, schedules.setup)
      } catch (error) {
        if (device.lost() === undefined) for (const info of fixed.values()) free(device, info)
        throw error
      }
    },
    async run(feeds, { signal } = {}) {
      if (disposed || !placed) throw new InputError('E_DISPOSED', 'webgpu: the executable was disposed')
      signal?.throwIfAborted()
      checkFeeds(graph, feeds)
      const { device, every, fixed, early } = placed
      const lost = device.lost()
      if (lost !== undefined) throw lostError(lost)
      const own: TensorInfo[] = []
      running++
      try {
        // What is fed from the device is held at once: its owner may dispose of it while this run waits.
        const ready = new Map(early)
        for (const [name, fed] of Object.entries(feeds))
          if ('read' in fed) ready.set(name, held(own, shared(device, residentOf(device, fed))))
        await device.ready()
        const outputs = await runSchedule(device, every, {
          fixed,
          fed: () => feed(device, { every, ready, feeds, own }),
          signal
        })
        return Object.fromEntries(
          [...outputs].map(([name, info]): [string, DeviceTensor] => [
            name,
            resident(device, info, every.outputs[name].value)
          ])
        )
      } finally {
        if (device.lost() === undefined) for (const info of own) free(device, info)
        if (--running === 0 && disposed) release()
      }
    },
    dispose() {
      if (disposed) return
      disposed = true
      if (running === 0) release()
      forget(self)
    }
  }
  return self
}

const sameLimits = (a: Limits, b: Limits): boolean =>
  a.bufferBytes === b.bufferBytes && a.sharedBytes === b.sharedBytes && a.buffers === b.buffers

function held(own: TensorInfo[], info: TensorInfo): TensorInfo {
  own.push(info)
  return info
}

interface Given {
  readonly every: Schedule
  /** What is on the device already. */
  readonly ready: ReadonlyMap<string, TensorInfo>
  readonly feeds: Feeds
  /** Filled with what this run alone holds. */
  readonly own: TensorInfo[]
}

/** Every input's buffer: what is there, or host data, uploaded for this run. */
function feed(device: Device, { every, ready, feeds, own }: Given): Map<Buffer, TensorInfo> {
  return new Map(
    Object.entries(every.inputs).map(([name, { buffer }]) => [
      buffer,
      ready.get(name) ?? held(own, upload(device, feeds[name] as HostTensor))
    ])
  )
}

interface Bindings {
  readonly fixed: ReadonlyMap<Buffer, TensorInfo>
  /** The inputs' buffers, made as the first work of the run. */
  readonly fed: () => ReadonlyMap<Buffer, TensorInfo>
  readonly signal?: AbortSignal | undefined
}

/**
 * Dispatches every step, in turns that the device can finish quickly, and frees at last use. Gives the outputs'
 * buffers.
 */
async function runSchedule(
  device: Device,
  { name, steps, outputs }: Schedule,
  { fixed, fed, signal }: Bindings
): Promise<Map<string, TensorInfo>> {
  const made = new Map<Buffer, TensorInfo>()
  let inputs: ReadonlyMap<Buffer, TensorInfo> | undefined
  const find = (b: Buffer): TensorInfo => made.get(b) ?? inputs?.get(b) ?? fixed.get(b)!
  let previous: Promise<unknown> | undefined
  try {
    for (let next = 0; next < steps.length; ) {
      signal?.throwIfAborted()
      await checked(device, `running ${name}`, () => {
        inputs ??= fed()
        let [flops, freed] = [0, 0]
        for (; next < steps.length && flops < flopsPerTurn; next++) {
          const { program, inputs: reads, result, frees, flops: cost } = steps[next]
          const info = allocate(device, result.length, result.type)
          made.set(result, info)
          dispatch(device, program, { inputs: reads.map(find), result: info })
          for (const b of frees) {
            free(device, made.get(b)!)
            made.delete(b)
            freed += 4 * b.length
          }
          flops += cost
          if (freed > freedPerSubmit) {
            flush(device)
            freed = 0
          }
        }
        flush(device)
      })
      // One turn runs while the next is recorded, and no more.
      if (next < steps.length) {
        await previous
        previous = device.alive(device.gpu.queue.onSubmittedWorkDone())
        previous.catch(() => {})
      }
    }
    signal?.throwIfAborted()
  } catch (error) {
    if (device.lost() === undefined) for (const info of made.values()) free(device, info)
    throw error
  }
  return new Map(Object.entries(outputs).map(([output, { buffer }]) => [output, made.get(buffer)!]))
}

/**
 * Compiles a schedule's pipelines: they depend on types, never on sizes, so one element of each type stands for every
 * buffer.
 */
function warm(device: Device, { steps }: Schedule): void {
  const stand = { f32: allocate(device, 1, 'f32'), i32: allocate(device, 1, 'i32') }
  for (const { program, inputs, result } of steps)
    dispatch(device, program, { inputs: inputs.map(b => stand[b.type]), result: stand[result.type] })
  for (const info of Object.values(stand)) free(device, info)
}

/** Reads each weight once, straight into its buffer. */
async function placeWeights(
  device: Device,
  { graph, weights, schedules }: { graph: Graph; weights: WeightSource; schedules: { setup: Schedule; run: Schedule } },
  { signal, onProgress }: CompileOptions
): Promise<Map<Buffer, TensorInfo>> {
  const placed = new Map<Buffer, TensorInfo>()
  const total = paramsOf(graph).reduce((bytes, p) => bytes + 4 * sizeOf(p.shape), 0)
  let done = 0
  const put = ({ buffer }: Slot, host: HostTensor, packed = false): Promise<void> =>
    checked(device, 'placing weights', () => {
      placed.set(buffer, packed ? uploadHalves(device, host.data as Float32Array) : upload(device, host))
    })
  try {
    for (const s of [schedules.setup, schedules.run]) {
      for (const slot of s.constants) await put(slot, slot.value.attrs.tensor as HostTensor)
    }
    const slots = [schedules.setup, schedules.run].flatMap(s => Object.entries(s.params))
    for (const name of new Set(slots.map(([n]) => n))) {
      signal?.throwIfAborted()
      const host = await weights.read(name, signal)
      for (const [, slot] of slots.filter(([n]) => n === name)) await put(slot, host, slot.packed)
      onProgress?.((done += host.data.byteLength), total)
    }
    return placed
  } catch (error) {
    if (device.lost() === undefined) for (const info of placed.values()) free(device, info)
    throw error
  }
}

/** Frees what only the setup read. */
function dropUnused({ device, fixed }: Placed, setup: Schedule): void {
  for (const { buffer } of [...Object.values(setup.params), ...setup.constants]) {
    free(device, fixed.get(buffer)!)
    ;(fixed as Map<Buffer, TensorInfo>).delete(buffer)
  }
}
