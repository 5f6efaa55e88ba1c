import type { Backend } from '../backend/backend.js'
import { nameOf } from '../ir/value.js'
import { evaluate } from '../reference/evaluate.js'
import { memoryWeights } from '../weights/source.js'
import type { ConformanceCase } from './case.js'
import { mistake } from './compare.js'

/**
 * Compiles a case on a backend, runs it twice with the same feeds, and compares every output with the reference
 * evaluator. Throws an `Error` with the case, the output and its operation, the largest error, and the first bad
 * element.
 */
export async function runCase(backend: Backend, c: ConformanceCase): Promise<void> {
  const expected = evaluate(c.graph, leaf => (leaf.op === 'param' ? c.weights : c.feeds)[nameOf(leaf)!])
  const executable = await backend.compile(c.graph, memoryWeights(c.weights))
  try {
    for (const turn of ['first', 'second']) {
      const found = await executable.run(c.feeds)
      try {
        const unknown = Object.keys(found).filter(name => !(name in expected))
        if (unknown.length)
          throw new Error(`${c.name} on ${backend.name}: outputs that the graph does not have: ${unknown.join(', ')}`)
        for (const [name, value] of Object.entries(c.graph.outputs)) {
          const wrong = found[name] ? mistake(await found[name].read(), expected[name], c.tolerance) : 'is missing'
          if (wrong)
            throw new Error(`${c.name} on ${backend.name}: ${turn} run, output ${name} (${value.op}): ${wrong}`)
        }
      } finally {
        for (const output of Object.values(found)) output.dispose()
      }
    }
  } finally {
    executable.dispose()
  }
}
