import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodePng } from '@sam/core'
import { fixture, sam, workFolder } from './sam.js'

const weights = readFileSync(fixture('tiny-checkpoint.safetensors'))
const commit = '1'.repeat(40)

/** `sam` on a server of this computer that plays the Hugging Face hub, for those who know the token. */
describe('sam: --checkpoint hf:owner/name', () => {
  let requests: string[] = []
  const server = createServer(({ url, headers }, response) => {
    requests.push(url!)
    const sha256 = createHash('sha256').update(weights).digest('hex')
    const file = { rfilename: 'model.safetensors', size: weights.length, lfs: { sha256 } }
    if (headers.authorization !== 'Bearer secret') response.writeHead(401).end()
    else if (url!.startsWith('/api/')) response.end(JSON.stringify({ sha: commit, siblings: [file] }))
    else response.end(weights)
  })
  beforeAll(async () => {
    await new Promise<void>(done => {
      server.listen(0, '127.0.0.1', done)
    })
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })
  afterEach(() => vi.unstubAllEnvs())
  const stub = (folder: string, token: string): void => {
    const { port } = server.address() as AddressInfo
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${port}`)
    vi.stubEnv('HF_TOKEN', token)
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
    requests = []
  }

  it('downloads with --download alone, from HF_ENDPOINT with HF_TOKEN, once', async () => {
    const folder = await workFolder()
    stub(folder, '')
    const argv = ['inspect', 'hf:owner/name', '--decoder-heads', '4', '--json']
    const refused = await sam(argv)
    expect(refused.code).not.toBe(0)
    expect(refused.out + refused.err).toMatch(/--download/)
    expect(requests).toEqual([])

    expect((await sam([...argv, '--download'])).out).toMatch(/HF_TOKEN/)
    stub(folder, 'secret')
    for (let times = 0; times < 2; times++) {
      const { code, out } = await sam([...argv, '--download'])
      expect(code).toBe(0)
      expect((JSON.parse(out) as { file: { tensors: object[] } }).file.tensors).toHaveLength(202)
    }
    expect(requests.filter(url => url.includes('/resolve/'))).toHaveLength(1)
  })

  it('runs a model from there, and tells the download on stderr', async () => {
    const folder = await workFolder()
    stub(folder, 'secret')
    const photo = join(folder, 'photo.png')
    await writeFile(photo, await encodePng({ width: 30, height: 20, data: new Uint8Array(1800) }))
    const common = ['--checkpoint', 'hf:owner/name', '--download', '--decoder-heads', '4']
    const { code, err } = await sam(['embed', photo, ...common, '--out', folder])
    expect(err).toMatch(/loading hf:owner\/name on cpu/)
    expect(code).toBe(0)
  })
})
