/** Run by process.test.ts in a separate process: exits with code 7 while a run is in native code. */
import { f32, graph, input, memoryWeights, ops, param } from '@sam/core/graph'
import { cpu } from '@sam/backend-cpu'

const n = 1000
const backend = await cpu({ threads: 1 })
const w = param('w', [n, n])
let y = ops.matmul(input('x', [n, n]), w)
for (let i = 1; i < 8; i++) y = ops.matmul(y, w)
const executable = await backend.compile(graph('g', { y }), memoryWeights({ w: f32([n, n], new Float32Array(n * n)) }))
const feeds = { x: f32([n, n], new Float32Array(n * n)) }
await executable.run(feeds)
const stopping = new AbortController()
executable.run(feeds, { signal: stopping.signal }).catch(() => process.stdout.write('aborted'))
setTimeout(() => {
  stopping.abort(new Error('stopped'))
  process.exitCode = 7
  if (process.argv[2] === 'by process.exit') setImmediate(() => process.exit())
  else backend.dispose()
}, 60)
