import { existsSync, readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { f32, graph, input, memoryWeights, ops } from '@sam/core/graph'
import { cpu } from '@sam/backend-cpu'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const threads = (): number => readdirSync('/proc/self/task').length

async function collect(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    gc()
    await new Promise(resume => setTimeout(resume, 50))
  }
}

/** A tensor of a backend that nothing else refers to. */
async function tensorAlone() {
  const backend = await cpu({ threads: 1 })
  const executable = await backend.compile(graph('g', { y: ops.add(input('x', [1]), 1) }), memoryWeights({}))
  return (await executable.run({ x: f32([1], [1]) })).y
}

it.runIf(existsSync('/proc/self/task'))(
  'the thread of a backend that was not disposed of ends with its last tensor',
  async () => {
    const before = threads()
    let tensors: Awaited<ReturnType<typeof tensorAlone>>[] = []
    for (let i = 0; i < 3; i++) tensors.push(await tensorAlone())
    await collect()
    expect(threads()).toBeGreaterThanOrEqual(before + 3)
    for (const tensor of tensors) expect([...(await tensor.read()).data]).toEqual([2])
    tensors = []
    await collect()
    await collect()
    expect(threads()).toBeLessThan(before + 3)
  }
)
