import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodePng } from '@sam/core'
import { hubServer, type HubServer } from '../../../packages/core/test/hub-server.js'
import { fixture, sam, workFolder } from './sam.js'

/** `sam` on a server of this computer that plays the Hugging Face hub, for those who know the token. */
describe('sam: hf:owner/name', () => {
  let hub: HubServer
  beforeAll(async () => {
    hub = await hubServer({ 'model.safetensors': new Uint8Array(readFileSync(fixture('tiny-checkpoint.safetensors'))) })
    hub.token = 'secret'
  })
  afterAll(() => hub[Symbol.asyncDispose]())
  afterEach(() => vi.unstubAllEnvs())

  /** A folder, with an own cache in it. */
  const surroundings = async (): Promise<string> => {
    const folder = await workFolder()
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
    hub.requests.length = 0
    return folder
  }

  it('downloads with --download alone, from HF_ENDPOINT with HF_TOKEN, once', async () => {
    await surroundings()
    const argv = ['inspect', 'hf:owner/name', '--decoder-heads', '4', '--json']
    const refused = await sam(argv)
    expect(refused.code).not.toBe(0)
    expect(refused.out).toMatch(/--download/)
    expect(hub.requests).toEqual([])

    expect((await sam([...argv, '--download'])).out).toMatch(/401 Unauthorized.*HF_TOKEN/)
    vi.stubEnv('HF_TOKEN', 'secret')
    for (let times = 0; times < 2; times++) {
      const { code, out } = await sam([...argv, '--download'])
      expect(code).toBe(0)
      expect((JSON.parse(out) as { file: { tensors: object[] } }).file.tensors).toHaveLength(202)
    }
    expect(hub.requests.filter(r => r.at === 'cdn')).toHaveLength(1)
  })

  it('runs a model from there with --checkpoint', async () => {
    const folder = await surroundings()
    vi.stubEnv('HF_TOKEN', 'secret')
    const photo = join(folder, 'photo.png')
    await writeFile(photo, await encodePng({ width: 30, height: 20, data: new Uint8Array(1800) }))
    const model = ['--checkpoint', 'hf:owner/name', '--download', '--decoder-heads', '4']
    const { code, err } = await sam(['embed', photo, ...model, '--out', folder])
    expect(err).toMatch(/loading hf:owner\/name on cpu/)
    expect(code).toBe(0)
  })
})
