/** A server of the tiny model, for tests that end its process: `served.ts FOLDER` prints its address. */
import { cpu } from '@sam/backend-cpu'
import { loadSam } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { createServer } from '../src/index.js'

const { weights, config } = tinyModel()
const backend = await cpu()
const sam = await loadSam({ weights, model: config, backend })
const server = await createServer({
  models: { tiny: { sam, device: backend.name } },
  cache: { folder: process.argv[2] },
  logLevel: 'silent'
})
console.log(await server.listen({ port: 0 }))
await new Promise(() => {}) // modules are loaded on first use, as long as this one is being loaded
