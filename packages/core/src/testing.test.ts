import { describe, expect, it } from 'vitest'
import type { Backend } from './backend/backend.js'
import { graph, valuesOf } from './ir/graph.js'
import { input } from './ir/value.js'
import * as ops from './ops/index.js'
import { isPrimitive, traits } from './ops/primitives.js'
import { full } from './tensor/tensor.js'
import { memoryWeights } from './weights/source.js'
import { checkContract, conformanceCase, conformanceCases, decomposed, referenceBackend, runCase } from './testing.js'

const cases = conformanceCases()

describe('the conformance list', () => {
  const backend = referenceBackend()

  // The backend decomposes, simplifies and stages before it evaluates; the reference does not.
  for (const c of cases) it(c.name, () => runCase(backend, c))

  it('keeps the contract', () => checkContract(backend))

  it('covers every primitive and composite, with unique names', () => {
    const ofCases = cases.flatMap(c => valuesOf(c.graph))
    expect(new Set(cases.map(c => c.name)).size).toBe(cases.length)
    expect(new Set(ofCases.map(v => v.op).filter(isPrimitive))).toEqual(new Set(Object.keys(traits)))
    expect(new Set(ofCases.filter(v => v.composite).map(v => v.op))).toEqual(
      new Set([
        'linear',
        'relu',
        'sigmoid',
        'gelu',
        'softplus',
        'softmax',
        'layerNorm',
        'residual',
        'attention',
        'crossAttention',
        'gridAttention',
        'windowAttention',
        'conv2d',
        'convTranspose2d',
        'resizeBilinear',
        'windowPartition',
        'windowUnpartition'
      ])
    )
  })

  it('is the same on every call, and decomposes to primitives', () => {
    const again = conformanceCases()
    expect(again.map(c => c.feeds)).toEqual(cases.map(c => c.feeds))
    expect(again.map(c => c.weights)).toEqual(cases.map(c => c.weights))
    expect(
      cases
        .map(decomposed)
        .flatMap(c => valuesOf(c.graph))
        .filter(v => v.composite)
    ).toEqual([])
  })

  it('expects finite numbers only', async () => {
    for (const c of cases.filter(c => !c.name.startsWith('tiny SAM'))) {
      const executable = await backend.compile(c.graph, memoryWeights(c.weights))
      for (const [name, t] of Object.entries(await executable.run(c.feeds))) {
        expect((await t.read()).data.every(Number.isFinite), `${c.name}: ${name}`).toBe(true)
      }
    }
  })
})

describe('runCase', () => {
  const good = referenceBackend()
  /** A backend whose outputs are corrupted. */
  const corrupted = (corrupt: (data: Float32Array) => unknown): Backend => ({
    ...good,
    async compile(...args) {
      const executable = await good.compile(...args)
      return {
        ...executable,
        async run(...args) {
          const outputs = await executable.run(...args)
          return Object.fromEntries(
            Object.entries(outputs).map(([name, t]) => [
              name,
              {
                ...t,
                async read() {
                  const host = await t.read()
                  return (corrupt(host.data as Float32Array) ?? host) as typeof host
                }
              }
            ])
          )
        }
      }
    }
  })
  const c = conformanceCase('exp', t => ops.exp(t.input([2, 3], { values: [0] })))
  const messageOf = (backend: Backend) =>
    runCase(backend, c).then(
      () => 'passed',
      (e: Error) => e.message
    )

  it('reports the operation, the largest error and the first bad element', async () => {
    expect(
      await messageOf(
        corrupted(data => {
          data[4] = 1.5
          data[5] = 2
        })
      )
    ).toMatchInlineSnapshot(
      `"exp on reference: first run, output y (exp): max error 1.00 is over 0.00001; first at [1,1]: expected 1, found 1.5"`
    )
    expect(
      await messageOf(
        corrupted(data => {
          data[0] = NaN
        })
      )
    ).toMatchInlineSnapshot(
      `"exp on reference: first run, output y (exp): max error Infinity is over 0.00001; first at [0,0]: expected 1, found NaN"`
    )
    expect(await messageOf(corrupted(() => full('f32', [3, 2], 1)))).toMatchInlineSnapshot(
      `"exp on reference: first run, output y (exp): must be f32[2,3], found f32[3,2]"`
    )
    expect(await messageOf(corrupted(() => full('i32', [2, 3], 1)))).toContain('must be f32[2,3], found i32[2,3]')
  })

  it('accepts rounding of floats, not of integers', async () => {
    expect(
      await messageOf(
        corrupted(data => {
          data[1] = 1.000009
        })
      )
    ).toBe('passed')
    const integers = conformanceCase('i32', t => ops.neg(t.input([3], { dtype: 'i32', values: [1000000] })))
    await expect(
      runCase(
        corrupted(data => {
          data[2] += 1
        }),
        integers
      )
    ).rejects.toThrow('max error 0.00000100 is over 0; first at [2]: expected -1000000, found -999999')
  })

  it('detects missing and additional outputs', async () => {
    const renamed: Backend = {
      ...good,
      compile: (g, ...rest) =>
        good.compile(graph(g.name, { z: Object.values(g.outputs)[0] }, [input('x0', [2, 3])]), ...rest)
    }
    expect(await messageOf(renamed)).toContain('outputs that the graph does not have: z')
  })
})
