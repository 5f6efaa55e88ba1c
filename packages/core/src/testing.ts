/**
 * `@sam/core/testing`: conformance tests for backends. Independent of any test framework: each case is run by a
 * function that throws.
 *
 * ```ts
 * for (const c of conformanceCases()) it(c.name, () => runCase(backend, c))
 * ```
 * @packageDocumentation
 */
import { compositeCases } from './testing/composites.js'
import type { ConformanceCase } from './testing/case.js'
import { graphCases } from './testing/graphs.js'
import { primitiveCases } from './testing/primitives.js'
import { samCases } from './testing/sam.js'

export { hostBackend as referenceBackend } from './backend/host.js'
export { conformanceCase, decomposed, type ConformanceCase, type Fill, type Leaves } from './testing/case.js'
export { allClose, maxError } from './testing/compare.js'
export { checkContract } from './testing/contract.js'
export { gradcheck } from './testing/gradcheck.js'
export { randomTensor, type RandomOptions } from './testing/random.js'
export { runCase } from './testing/run.js'
export { hashFill, hashWeights } from './weights/hash-fill.js'

/**
 * Conformance cases for every backend: each primitive and composite, graphs, and the tiny SAM, all compared with the
 * reference evaluator. Run the list twice, as it is and through `decomposed`, and `checkContract` once.
 */
export const conformanceCases = (): ConformanceCase[] => [
  ...primitiveCases(),
  ...compositeCases(),
  ...graphCases(),
  ...samCases()
]
