import { graph, input, memoryWeights, ops, param, type Backend } from '@sam/core/graph'
import { randomTensor } from '@sam/core/testing'
import type { Precision } from '@sam/onnx'

/** Relative error of a linear layer: root of the mean square, of its outputs' own. */
async function errorOf(open: (precision: Precision) => Promise<Backend>, precision: Precision, rows: number) {
  const g = graph('g', { y: ops.linear(input('x', [rows, 64]), param('w', [32, 64]), param('b', [32])) })
  const weights = { w: randomTensor([32, 64], { seed: 1, range: [-1, 1] }), b: randomTensor([32], { seed: 2 }) }
  const results: Float32Array[] = []
  for (const each of ['f32', precision] as const) {
    const backend = await open(each)
    const executable = await backend.compile(g, memoryWeights(weights))
    const { y } = await executable.run({ x: randomTensor([rows, 64], { seed: 3, range: [-2, 2] }) })
    results.push((await y.read()).data as Float32Array)
    y.dispose()
    executable.dispose()
    backend.dispose()
  }
  const [exact, found] = results
  const rms = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0))
  return rms(found.map((v, i) => v - exact[i])) / rms(exact)
}

/**
 * Checks that a backend computes linear layers in each precision: with an error that only it explains, and int8 only in
 * layers of many rows. Throws an `Error` that names the precision.
 */
export async function checkPrecisions(open: (precision: Precision) => Promise<Backend>): Promise<void> {
  for (const [precision, rows, least, most] of [
    ['f16', 1024, 1e-5, 1e-3],
    ['int8', 1024, 1e-3, 2e-2],
    ['int8', 8, 0, 1e-9]
  ] as const) {
    const error = await errorOf(open, precision, rows)
    if (!(error >= least && error <= most))
      throw new Error(`${precision}, ${rows} rows: the error must be in ${least} … ${most}, found ${error}`)
  }
}
