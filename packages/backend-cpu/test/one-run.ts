/** Run by process.test.ts in a separate process. */
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { f32, graph, input, memoryWeights, ops, param, SamError } from '@sam/core/graph'
import { cpu } from '@sam/backend-cpu'

const withTelemetry = process.argv[2] === 'with telemetry'
const n = 20_000 // too large for the model file: external data

async function once(): Promise<void> {
  const backend = await cpu({ telemetry: withTelemetry })
  const executable = await backend.compile(
    graph('g', { y: ops.mul(input('x', [n]), param('w', [n])) }),
    memoryWeights({ w: f32([n], new Float32Array(n).fill(2)) })
  )
  const { y } = await executable.run({ x: f32([n], new Float32Array(n).fill(1)) })
  // Telemetry is written on another thread, at some time after the session was created.
  const isWritten = (): boolean => readdirSync(process.env.HOME!, { recursive: true }).join().includes('deviceid')
  for (let tries = 0; withTelemetry && tries < 200 && !isWritten(); tries++) await setTimeout(100)
  process.stdout.write(`${(await y.read()).data[n - 1]} ${process.env.ORT_DISABLE_TELEMETRY}`)
}

if (process.argv[2] !== 'in a worker') await once()
else {
  // The thread's own tools/run.js, so that it reads these sources too.
  const worker = new Worker(new URL('../../../tools/run.js', import.meta.url), {
    argv: [process.argv[1], 'as a worker']
  })
  worker.on('error', error =>
    process.stdout.write(
      SamError.is(error) || 'code' in error ? String((error as { code?: string }).code) : String(error)
    )
  )
}
