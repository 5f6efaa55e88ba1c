import { readFileSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { hubServer } from './hub-server.js'
import { fixturePath } from './tiny-io.js'

declare module 'vitest' {
  export interface ProvidedContext {
    hub: string
  }
}

/** Vitest global setup: a hub for tests in a page, token `secret`. `/requests` lists its requests once. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const hub = await hubServer({
    'config.json': new TextEncoder().encode('{"model_type":"sam"}'),
    'model.safetensors': new Uint8Array(readFileSync(fixturePath('tiny-checkpoint.safetensors')))
  })
  hub.token = 'secret'
  hub.intercept = (request, response, { at, range }) => {
    if (at === 'cdn' && range === undefined) {
      // In two pieces, so that a page can stop between them.
      const bytes = hub.files['model.safetensors']
      response.writeHead(200, { etag: hub.etag, 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000), () => setTimeout(() => response.end(bytes.subarray(100_000)), 200))
      return true
    }
    if (request.url !== '/requests') return false
    hub.requests.pop()
    response.end(JSON.stringify(hub.requests.splice(0)))
    return true
  }
  provide('hub', hub.url)
  return async () => hub[Symbol.asyncDispose]()
}
