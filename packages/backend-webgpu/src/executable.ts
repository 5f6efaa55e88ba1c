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
 * Work per submission: about 20 ms on a small GPU, so that aborts take effect and no driver's watchdog times out.
 */
const flopsPerTurn = 2e10
/** Bytes of pending frees that trigger a submission. */
const freedPerSubmit = 8 * 2 ** 20

/** A graph that can be loaded on a device, and again after that device is lost. */
export interface Loadable extends Executable {
  /** Uploads weights and runs the setup schedule, which depends on them alone. */
  load(device: Device, options?: CompileOptions): Promise<void>
}

export interface PlaceOptions {
  readonly keeps: (node: Value) => boolean
  readonly device: () => Device
  readonly halfWeights: boolean
  readonly largeTile?: Tile | undefined
  /** Called when the executable is disposed. */
  readonly forget: (executable: Loadable) => void
}

/** A graph as dispatches for devices with these limits. */
interface Lowered {
  readonly limits: Limits
  readonly setup: Schedule
  readonly run: Schedule
}

/** What stays on a device between runs: weights, constants, and the outputs of setup. */
interface Loaded {
  readonly device: Device
  readonly run: Schedule
  readonly fixed: ReadonlyMap<Buffer, TensorInfo>
  readonly setupOutputs: ReadonlyMap<string, TensorInfo>
}

/**
 * Lowers a graph. Throws `WeightsError` if the weights do not match and `BackendError` if the device's limits are too
 * small, before anything is uploaded.
 */
export function makeExecutable(
  graph: Graph,
  weights: WeightSource,
  { keeps, device: current, halfWeights, largeTile, forget }: PlaceOptions
): Loadable {
  const lower = ({ limits }: Device, tile?: Tile): Lowered => {
    const { setup, run } = prepare(graph, keeps, weights)
    const options = { limits, halfWeights, ...(tile ? { largeTile: tile } : {}) }
    return { limits, setup: schedule(setup, options), run: schedule(run, options) }
  }
  let schedules = lower(current(), largeTile)
  let loaded: Loaded | undefined
  let disposed = false
  let running = 0
  const release = (): void => {
    if (!loaded || loaded.device.lost() !== undefined) return
    for (const info of [...loaded.fixed.values(), ...loaded.setupOutputs.values()]) free(loaded.device, info)
    trim(loaded.device)
    loaded = undefined
  }

  const self: Loadable = {
    graph,
    async load(device, options = {}) {
      // The device after recovery may have other limits, on which fusion, splits and tiles depend.
      if (!sameLimits(schedules.limits, device.limits)) schedules = lower(device)
      const fixed = await loadWeights(device, { graph, weights, schedules }, options)
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
        const setupOutputs = await runSchedule(device, schedules.setup, {
          fixed,
          fed: () => new Map(),
          signal: options.signal
        })
        loaded = { device, run: schedules.run, fixed, setupOutputs }
        dropUnused(loaded, schedules.setup)
      } catch (error) {
        if (device.lost() === undefined) for (const info of fixed.values()) free(device, info)
        throw error
      }
    },
    async run(feeds, { signal } = {}) {
      if (disposed || !loaded) throw new InputError('E_DISPOSED', 'webgpu: the executable was disposed')
      signal?.throwIfAborted()
      checkFeeds(graph, feeds)
      const { device, run, fixed, setupOutputs } = loaded
      const lost = device.lost()
      if (lost !== undefined) throw lostError(lost)
      const own: TensorInfo[] = []
      running++
      try {
        // Device tensors among the feeds are retained now: their owner may dispose of them while this run is queued.
        const ready = new Map(setupOutputs)
        for (const [name, fed] of Object.entries(feeds))
          if ('read' in fed) ready.set(name, held(own, shared(device, residentOf(device, fed))))
        await device.ready()
        const outputs = await runSchedule(device, run, {
          fixed,
          fed: () => feed(device, { run, ready, feeds, own }),
          signal
        })
        return Object.fromEntries(
          [...outputs].map(([name, info]): [string, DeviceTensor] => [
            name,
            resident(device, info, run.outputs[name].value)
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
  readonly run: Schedule
  /** Inputs that are already on the device. */
  readonly ready: ReadonlyMap<string, TensorInfo>
  readonly feeds: Feeds
  /** Collects the buffers that this run retains. */
  readonly own: TensorInfo[]
}

/** The buffer of every input: already on the device, or uploaded from host memory for this run. */
function feed(device: Device, { run, ready, feeds, own }: Given): Map<Buffer, TensorInfo> {
  return new Map(
    Object.entries(run.inputs).map(([name, { buffer }]) => [
      buffer,
      ready.get(name) ?? held(own, upload(device, feeds[name] as HostTensor))
    ])
  )
}

interface Bindings {
  readonly fixed: ReadonlyMap<Buffer, TensorInfo>
  /** Creates the inputs' buffers, at the start of the run. */
  readonly fed: () => ReadonlyMap<Buffer, TensorInfo>
  readonly signal?: AbortSignal | undefined
}

/**
 * Dispatches every step, in short submissions, and frees buffers after their last use. Returns the outputs' buffers.
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
      // At most one submission runs while the next is recorded.
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
 * Compiles a schedule's pipelines. They depend on types, not on sizes, so one-element buffers of each type suffice.
 */
function warm(device: Device, { steps }: Schedule): void {
  const stand = { f32: allocate(device, 1, 'f32'), i32: allocate(device, 1, 'i32') }
  for (const { program, inputs, result } of steps)
    dispatch(device, program, { inputs: inputs.map(b => stand[b.type]), result: stand[result.type] })
  for (const info of Object.values(stand)) free(device, info)
}

/** Reads each weight once, directly into its buffer. */
async function loadWeights(
  device: Device,
  { graph, weights, schedules }: { graph: Graph; weights: WeightSource; schedules: { setup: Schedule; run: Schedule } },
  { signal, onProgress }: CompileOptions
): Promise<Map<Buffer, TensorInfo>> {
  const placed = new Map<Buffer, TensorInfo>()
  const total = paramsOf(graph).reduce((bytes, p) => bytes + 4 * sizeOf(p.shape), 0)
  let done = 0
  const put = ({ buffer }: Slot, host: HostTensor, packed = false): Promise<void> =>
    checked(device, 'loading weights', () => {
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

/** Frees buffers that only setup reads. */
function dropUnused({ device, fixed }: Loaded, setup: Schedule): void {
  for (const { buffer } of [...Object.values(setup.params), ...setup.constants]) {
    free(device, fixed.get(buffer)!)
    ;(fixed as Map<Buffer, TensorInfo>).delete(buffer)
  }
}
