import { readFile } from 'node:fs/promises'
import { cpu } from '@sam/backend-cpu'
import { loadSam, type Sam } from '@sam/core'
import { loadClip } from '@sam/clip'
import { tinyModel } from '@sam/model-tiny'
import { afterAll, afterEach } from 'vitest'
import { createServer, type Server, type ServerOptions } from '../src/index.js'

/** The photo of the command line's demo. */
export const photo = new Uint8Array(await readFile(new URL('../../cli/assets/scene.jpg', import.meta.url)))

const backend = await cpu()
const { weights, config, clip: clipModel } = tinyModel()
const clip = await loadClip({ ...clipModel, backend })
/** The tiny model, with its text encoder. */
export const sam: Sam = await loadSam({ weights, model: config, backend, text: clip })
export const models = { tiny: { sam, device: backend.name } }
afterAll(async () => {
  await sam.dispose()
  await clip.dispose()
  backend.dispose()
})

const running: Server[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(server => server.close({ grace: 0 })))
})

/** A server with the tiny model, closed after the test. */
export async function tinyServer(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await createServer({ models, logLevel: 'silent', ...options })
  running.push(server)
  return server
}

export const send = (server: Server, path: string, init: RequestInit = {}): Promise<Response> =>
  server.fetch(new Request(`http://localhost${path}`, init))

export const post = (server: Server, path: string, body: unknown): Promise<Response> =>
  send(server, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })

/** Uploads an image, and returns its facts. */
export async function upload(
  server: Server,
  bytes: Uint8Array = photo
): Promise<{ id: string; model: string; width: number; height: number }> {
  const response = await send(server, '/v1/images', {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: bytes as BodyInit
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as { id: string; model: string; width: number; height: number }
}
