import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { wasmPaths } from '../../backend-wasm/test/wasm-files.js'
import { connectSam, serveSam } from '../src/index.js'
import { photo } from './photo.js'
import { sameAsLocal } from './same-as-local.js'

const root = resolve(import.meta.dirname, '../../..')
const run = (script: string): Worker =>
  new Worker(`${root}/tools/run.js`, { argv: [`${import.meta.dirname}/${script}`] })
const start = (): Worker => run('node.worker.ts')
const data = { wasmPaths: wasmPaths.href }

sameAsLocal(start, wasmPaths.href)

describe('a worker thread', () => {
  it('that ends rejects all pending and later calls', async () => {
    const worker = start()
    const sam = await connectSam(worker, { data })
    const image = await sam.encode(photo())
    const pending = [image.predict({ points: [{ x: 1, y: 1 }] }), sam.encode(photo())].map(call =>
      expect(call).rejects.toMatchObject({ code: 'E_BACKEND_FAILED', name: 'BackendError' })
    )
    await worker.terminate()
    await Promise.all(pending)
    await expect(image.save()).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
    await sam.dispose()
  })

  it('whose script is missing rejects', async () => {
    await expect(connectSam(new Worker(`${root}/missing.js`))).rejects.toMatchObject({
      code: 'E_BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/missing\.js/)
    })
  })

  it('is started by serveSam only in a worker', () => {
    expect(() => serveSam(() => Promise.reject(new Error()))).toThrow(expect.objectContaining({ code: 'E_BAD_OPTION' }))
  })
})
