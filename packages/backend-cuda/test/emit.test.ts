import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate, memoryWeights, nameOf, type Backend } from '@sam/core/graph'
import { cpu } from '@sam/backend-cuda'
import { cases } from './cases.js'

describe.each([['whole', {}], ['opened', { open: 'all' }]] as const)('onnxruntime gives what the evaluator gives, composites %s', (_, options) => {
  let backend: Backend
  beforeAll(async () => { backend = await cpu({ threads: 1, ...options }) })
  afterAll(() => backend.dispose())

  it.each(cases.map(c => [c.name, c] as const))('%s', async (_, { graph, feeds, weights }) => {
    const exact = evaluate(graph, leaf => leaf.op === 'param' ? weights[nameOf(leaf)!]! : feeds[nameOf(leaf)!]!)
    const executable = await backend.compile(graph, memoryWeights(weights))
    const outputs = await executable.run(feeds)
    expect(Object.keys(outputs)).toEqual(Object.keys(exact))
    for (const [name, { shape, dtype, data }] of Object.entries(exact)) {
      const found = await outputs[name]!.read()
      expect([found.dtype, found.shape]).toEqual([dtype, shape])
      const scale = Math.max(1, ...data.map(Math.abs))
      expect(Math.max(...data.map((v, i) => Math.abs(v - found.data[i]!)))).toBeLessThan(2e-6 * scale)
      outputs[name]!.dispose()
    }
    executable.dispose()
  })
})
