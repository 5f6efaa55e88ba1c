import type { Backend, DeviceTensor, Executable, Feeds } from '../backend/backend.js'
import { SamError, type SamErrorCode } from '../errors.js'
import { graph } from '../ir/graph.js'
import { input, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { f32, tensor } from '../tensor/tensor.js'
import { memoryWeights } from '../weights/source.js'
import { allClose } from './compare.js'

const x = input('x', [2])
const step = graph('step', { y: ops.mul(ops.add(x, param('p', [2])), 2) }, [x])
const weights = memoryWeights({ p: f32([2], [10, 20]) })
const feeds: Feeds = { x: f32([2], [1, 2]) }

/**
 * Checks the rest of the `Backend` contract: ownership of tensors, error codes, abort, overlapping runs, progress.
 * Throws an `Error` at the first violation. The backend stays usable.
 */
export async function checkContract(backend: Backend): Promise<void> {
  const executable = await backend.compile(step, weights)
  await tensors(executable)
  await refusals(backend, executable)
  await overlap(executable)
  await progress(backend)

  const { y } = await executable.run(feeds)
  executable.dispose()
  executable.dispose()
  await same(y, [22, 44], 'an output outlives its executable')
  y.dispose()
  await rejectsWith('run after dispose', 'E_DISPOSED', () => executable.run(feeds))
}

async function tensors(executable: Executable): Promise<void> {
  const { y } = await executable.run(feeds)
  const next = await executable.run({ x: y })
  await same(next.y, [64, 128], 'the output of one run can be fed to another')
  await same(y, [22, 44], "a fed tensor stays the caller's")
  const { shape, data } = await y.read({ start: 1, length: 1 })
  if (`${shape}` !== '1' || !allClose(data, [44], 1e-6))
    throw new Error(`a part of a tensor: expected 44 as [1], found ${[...data].join(', ')} as [${shape}]`)
  await rejectsWith('a part that is not inside', 'E_BAD_OPTION', () => y.read({ start: 1, length: 2 }))
  y.dispose()
  y.dispose()
  await rejectsWith('read after dispose', 'E_DISPOSED', () => y.read())
  await rejectsWith('a disposed tensor as feed', 'E_DISPOSED', () => executable.run({ x: y }))
  next.y.dispose()
}

async function refusals(backend: Backend, executable: Executable): Promise<void> {
  await rejectsWith('a checkpoint without the weight', 'E_WEIGHTS_MISMATCH', () =>
    backend.compile(step, memoryWeights({}))
  )
  await rejectsWith('a weight of another shape', 'E_WEIGHTS_MISMATCH', () =>
    backend.compile(step, memoryWeights({ p: f32([3], [1, 2, 3]) }))
  )
  await rejectsWith('a missing feed', 'E_GRAPH', () => executable.run({}))
  await rejectsWith('a feed of another shape', 'E_GRAPH', () => executable.run({ x: f32([1, 2], [1, 2]) }))
  await rejectsWith('a feed of another type', 'E_GRAPH', () => executable.run({ x: tensor('i32', [2], [1, 2]) }))
  await rejectsWith('a feed that is no input', 'E_GRAPH', () => executable.run({ ...feeds, z: f32([1], [1]) }))
  const reason = new Error('stop')
  const signal = AbortSignal.abort(reason)
  for (const attempt of [() => backend.compile(step, weights, { signal }), () => executable.run(feeds, { signal })]) {
    const found = await attempt().then(
      () => undefined,
      (error: unknown) => error
    )
    if (found !== reason)
      throw new Error(`after an abort: must reject with the signal's reason, found ${String(found)}`)
  }
}

async function overlap(executable: Executable): Promise<void> {
  const runs = await Promise.all(Array.from({ length: 8 }, (_, i) => executable.run({ x: f32([2], [i, -i]) })))
  for (const [i, { y }] of runs.entries()) {
    await same(y, [2 * (i + 10), 2 * (20 - i)], 'eight runs at once')
    y.dispose()
  }
}

async function progress(backend: Backend): Promise<void> {
  const calls: [number, number][] = []
  const executable = await backend.compile(step, weights, { onProgress: (done, total) => calls.push([done, total]) })
  executable.dispose()
  const rises = calls.every(([done, total], i) => done <= total && done >= (calls[i - 1]?.[0] ?? 0))
  if (!rises || calls.at(-1)?.[0] !== calls.at(-1)?.[1] || calls.length === 0)
    throw new Error(`progress must rise to its total, found ${JSON.stringify(calls)}`)
}

async function same(found: DeviceTensor, expected: readonly number[], promise: string): Promise<void> {
  const { data } = await found.read()
  if (!allClose(data, expected, 1e-6))
    throw new Error(`${promise}: expected ${expected.join(', ')}, found ${[...data].join(', ')}`)
}

async function rejectsWith(what: string, code: SamErrorCode, attempt: () => Promise<unknown>): Promise<void> {
  const found = await attempt().then(
    () => 'no error',
    (error: unknown) => (SamError.is(error) ? error.code : error)
  )
  if (found !== code) throw new Error(`${what}: must reject with ${code}, found ${String(found)}`)
}
