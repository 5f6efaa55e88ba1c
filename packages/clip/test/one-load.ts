/** Run by process.test.ts in a separate process: loads the text model of a folder, embeds a phrase, and exits. */
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { clipText } from '@sam/clip'
import { SamError } from '@sam/core'

const [, program, folder, where] = process.argv as [string, string, string, string?]

if (where === 'onnxruntime alone') {
  // transformers.js turns telemetry off too, so that only the runtime itself shows what it does otherwise.
  const { InferenceSession } = await import('onnxruntime-node')
  const session = await InferenceSession.create(`${folder}/onnx/text_model.onnx`)
  // Telemetry is written on another thread, at some time after the session was created.
  const isWritten = (): boolean => readdirSync(process.env.HOME!, { recursive: true }).join().includes('deviceid')
  for (let tries = 0; tries < 200 && !isWritten(); tries++) await setTimeout(100)
  await session.release()
} else if (where !== 'in a worker') {
  const text = await clipText({ model: folder })
  process.stdout.write(`${(await text.embed(['a wheel']))[0].length}`)
  await text.dispose()
} else {
  // The thread's own tools/run.js, so that it reads these sources too.
  const worker = new Worker(new URL('../../../tools/run.js', import.meta.url), { argv: [program, folder] })
  worker.on('error', error =>
    process.stdout.write(
      SamError.is(error) || 'code' in error ? String((error as { code?: string }).code) : String(error)
    )
  )
}
