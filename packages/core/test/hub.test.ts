import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSam, openWeights, type SamErrorCode } from '../src/index.js'
import { tinyTest } from '../src/sam/config.js'
import { referenceBackend } from '../src/testing.js'
import type { OpenOptions } from '../src/weights/open.js'
import { firstCommit, hubServer, sendFile, type HubServer } from './hub-server.js'
import { fixturePath } from './tiny-io.js'

const weights = new Uint8Array(readFileSync(fixturePath('tiny-checkpoint.safetensors')))
const text = (json: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(json))

let hub: HubServer
let cacheDir: string
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'sam-hub-'))
  hub = await hubServer({ 'config.json': text({ model_type: 'sam' }), 'model.safetensors': weights })
})
afterEach(async () => {
  await hub[Symbol.asyncDispose]()
  await rm(cacheDir, { recursive: true })
})

type Download = Exclude<OpenOptions['download'], boolean | undefined>
interface Opening extends Omit<OpenOptions, 'download'>, Download {
  readonly from?: string
}
/** Opens the repository and closes it. */
async function open({
  from = 'hf:owner/name',
  signal,
  onProgress,
  timeout,
  ...download
}: Opening = {}): Promise<number> {
  const options = { signal, onProgress, timeout, download: { host: hub.url, cacheDir, ...download } }
  const source = await openWeights(from, options)
  await source.close()
  return source.names.length
}
const refusal = (opening: Opening, code: SamErrorCode, message: RegExp): Promise<void> =>
  expect(open(opening)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown })

const filesIn = async (): Promise<string[]> => {
  const entries = await readdir(cacheDir, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => entry.name)
    .sort()
}
const whole = ['.listing.json', 'config.json', 'model.safetensors']
const paths = (at: 'hub' | 'cdn'): string[] => hub.requests.filter(r => r.at === at).map(r => r.path)

/** The first bytes that the CDN was asked for. */
const starts = (): number[] =>
  hub.requests.filter(r => r.at === 'cdn').map(r => Number(/^bytes=(\d+)-$/.exec(r.range ?? '')?.[1] ?? 0))
const partialFile = async (): Promise<string> => {
  const names = await readdir(cacheDir, { recursive: true })
  return join(cacheDir, names.find(name => name.endsWith('.partial'))!)
}

/** Lets the CDN break off after so many bytes, a number of times. */
function breakOff(most: number, times = Infinity): void {
  hub.intercept = (request, response, { at }) => {
    if (at !== 'cdn' || times-- <= 0) return false
    sendFile(request, response, { bytes: weights, etag: hub.etag, most })
    return true
  }
}

describe('openWeights: hf:owner/name', () => {
  it('makes no request without the option download, and names it', async () => {
    await expect(openWeights('hf:owner/name')).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringMatching(/download: true.*--download/) as unknown
    })
    await expect(openWeights('hf:owner/name', { download: false })).rejects.toThrow('only with the option download')
    expect(hub.requests).toEqual([])
  })

  it('downloads the weights with progress, and opens them from the cache next time with one request', async () => {
    const seen: number[] = []
    expect(await open({ onProgress: ({ loaded, total }) => seen.push(loaded, total) })).toBe(202)
    expect(seen.at(-2)).toBe(weights.length)
    expect(new Set(seen.filter((_, i) => i % 2))).toEqual(new Set([weights.length]))
    expect([...seen.filter((_, i) => i % 2 === 0)].sort((a, b) => a - b)).toEqual(seen.filter((_, i) => i % 2 === 0))
    expect(await filesIn()).toEqual(whole)
    hub.requests.length = 0
    expect(await open()).toBe(202)
    expect(hub.requests.map(r => r.path)).toEqual(['/api/models/owner/name/revision/main?blobs=true'])
  })

  it('makes no request for a commit that is in the cache', async () => {
    await open()
    hub.requests.length = 0
    expect(await open({ revision: firstCommit })).toBe(202)
    expect(await open({ from: `hf:owner/name@${firstCommit}` })).toBe(202)
    expect(hub.requests).toEqual([])
  })

  it('keeps the commits of a branch apart', async () => {
    await open()
    hub.commit = '2'.repeat(40)
    hub.requests.length = 0
    await open()
    expect(paths('cdn')).toEqual(['/model.safetensors'])
    expect(await filesIn()).toEqual([...whole, ...whole].sort())
  })

  it('offline: refuses a branch, and names the commits in the cache', async () => {
    await open()
    hub.intercept = (request, _) => {
      request.socket.destroy()
      return true
    }
    await refusal(
      {},
      'E_WEIGHTS_IO',
      new RegExp(`the request failed \\(other side closed\\).*The cache has the commit ${firstCommit}`)
    )
    expect(await open({ revision: firstCommit })).toBe(202)
  })

  it('sends the token to the hub alone', async () => {
    hub.token = 'secret'
    await refusal({}, 'E_WEIGHTS_IO', /401 Unauthorized.*needs a token: download: \{ token \}/)
    await refusal({ token: 'wrong' }, 'E_WEIGHTS_IO', /this token may not read it/)
    hub.requests.length = 0
    expect(await open({ token: 'secret' })).toBe(202)
    expect(new Set(hub.requests.filter(r => r.at === 'hub').map(r => r.authorization))).toEqual(
      new Set(['Bearer secret'])
    )
    expect(hub.requests.filter(r => r.at === 'cdn').map(r => r.authorization)).toEqual([undefined])
  })

  it('continues within one call after interruptions', async () => {
    breakOff(100_000, 2)
    expect(await open()).toBe(202)
    expect(starts()).toHaveLength(3)
    expect(starts()).toEqual([...new Set(starts())].sort((a, b) => a - b))
  })

  it('resumes in a later call, after an abort left only what can be resumed', async () => {
    breakOff(100_000)
    const controller = new AbortController()
    const onProgress = ({ loaded }: { loaded: number }): void => {
      if (loaded >= 100_000) controller.abort(new Error('enough'))
    }
    await expect(open({ signal: controller.signal, onProgress })).rejects.toThrow('enough')
    expect(await filesIn()).toEqual([
      '.listing.json',
      'config.json',
      expect.stringMatching(/^model\.safetensors\.free\..*\.partial$/)
    ])
    const { size } = await stat(await partialFile())
    hub.intercept = () => false
    hub.requests.length = 0
    expect(await open()).toBe(202)
    expect(starts()).toEqual([size])
    expect(await filesIn()).toEqual(whole)
  })

  it('begins again where the server ignores ranges', async () => {
    let answers = 0
    hub.intercept = (request, response, { at }) => {
      if (at !== 'cdn') return false
      delete request.headers.range
      sendFile(request, response, { bytes: weights, etag: hub.etag, most: answers++ === 0 ? 100_000 : Infinity })
      return true
    }
    expect(await open()).toBe(202)
    expect(answers).toBe(2)
  })

  it('begins again where the file changes between two requests', async () => {
    let answers = 0
    hub.intercept = (request, response, { at }) => {
      if (at !== 'cdn') return false
      const old = answers++ === 0
      const bytes = old ? new Uint8Array(weights.length) : weights
      sendFile(request, response, { bytes, etag: old ? '"old"' : '"new"', most: old ? 100_000 : Infinity })
      return true
    }
    expect(await open()).toBe(202)
    expect(starts()).toEqual([0, expect.any(Number), 0])
    expect(starts()[1]).toBeGreaterThan(0)
  })

  it('gives up where every answer breaks off at the same byte', async () => {
    hub.intercept = (request, response, { at }) => {
      if (at !== 'cdn') return false
      delete request.headers.range
      sendFile(request, response, { bytes: weights, etag: hub.etag, most: 1000 })
      return true
    }
    await refusal({}, 'E_WEIGHTS_IO', /the connection broke/)
    expect(paths('cdn')).toHaveLength(5)
  })

  it.each([
    ['in LFS', 'model.safetensors', { lfs: { sha256: 'a'.repeat(64) } }, /SHA-256 a{64}, found/],
    ['of git', 'config.json', { blobId: 'b'.repeat(40) }, /SHA-1 b{40}, found/]
  ])('refuses and removes a file %s with another digest', async (_, name, listed, message) => {
    hub.listed[name] = listed
    await refusal({}, 'E_WEIGHTS_IO', message)
    expect((await filesIn()).filter(file => file.startsWith(name))).toEqual([])
  })

  it('refuses what a damaged partial file becomes, and then begins again', async () => {
    breakOff(100_000, 1)
    const controller = new AbortController()
    const onProgress = ({ loaded }: { loaded: number }): void => {
      if (loaded >= 100_000) controller.abort()
    }
    await expect(open({ signal: controller.signal, onProgress })).rejects.toThrow('aborted')
    const partial = await partialFile()
    const damaged = await readFile(partial)
    damaged[50_000] ^= 1
    await writeFile(partial, damaged)
    await refusal({}, 'E_WEIGHTS_IO', /SHA-256/)
    expect(await open()).toBe(202)
  })

  it('refuses a file of another size than listed, longer or shorter', async () => {
    hub.listed['model.safetensors'] = { size: weights.length - 1 }
    await refusal({}, 'E_WEIGHTS_IO', /the server sent more/)
    hub.listed['model.safetensors'] = { size: 2 ** 34 }
    await refusal({ revision: 'main' }, 'E_WEIGHTS_IO', /must have at most 8589934592 bytes/)
  })

  it('refuses repositories and revisions that are not there', async () => {
    await refusal({ from: 'hf:owner/other' }, 'E_WEIGHTS_IO', /404 Not Found; check the names/)
    await refusal({ revision: 'v9' }, 'E_WEIGHTS_IO', /404 Not Found; check the names/)
  })

  it.each([
    [
      'model_type of another model',
      { 'config.json': text({ model_type: 'clip' }) },
      'E_WEIGHTS_MISMATCH',
      /found 'clip'/
    ],
    ['no weights', { 'README.md': text(1) }, 'E_WEIGHTS_FORMAT', /must hold model.safetensors/]
  ] as const)('refuses a repository with %s, and downloads no weights', async (_, files, code, message) => {
    hub.files = { ...files }
    if (code === 'E_WEIGHTS_MISMATCH') hub.files['model.safetensors'] = weights
    await refusal({}, code, message)
    expect(paths('cdn')).toEqual([])
  })

  it('opens pytorch_model.bin, and weights in several files', async () => {
    hub.files = { 'pytorch_model.bin': new Uint8Array(readFileSync(fixturePath('tiny-checkpoint.pth'))) }
    hub.lfs.add('pytorch_model.bin')
    expect(await open()).toBe(202)
    hub.commit = '3'.repeat(40)
    hub.files = {
      'model.safetensors.index.json': text({ weight_map: { a: 'model-1.safetensors' } }),
      'model-1.safetensors': weights
    }
    hub.lfs.add('model-1.safetensors')
    expect(await open()).toBe(202)
    hub.commit = '4'.repeat(40)
    hub.files['model.safetensors.index.json'] = text({ weight_map: { a: '../../model.safetensors' } })
    await refusal({}, 'E_WEIGHTS_IO', /which is not in the repository/)
  })

  it('follows at most 5 redirects, none of them away from https or this computer', async () => {
    hub.intercept = (_, response, { at }) => {
      if (at === 'cdn') response.writeHead(302, { location: '/model.safetensors' }).end()
      return at === 'cdn'
    }
    await refusal({}, 'E_WEIGHTS_IO', /at most 5 redirects/)
    hub.intercept = (_, response, { at, path }) => {
      const away = at === 'hub' && path.endsWith('model.safetensors')
      if (away) response.writeHead(302, { location: 'http://example.com/model.safetensors' }).end()
      return away
    }
    await refusal({}, 'E_WEIGHTS_IO', /must lead to https, found http:\/\/example\.com/)
  })

  it('fails where a server sends nothing', async () => {
    hub.intercept = () => true
    await refusal({ timeout: 50 }, 'E_WEIGHTS_IO', /sent nothing for 0.05 s/)
  })

  it.each<[string, Opening, RegExp]>([
    ['a name', { from: 'hf:../name' }, /must be hf:owner\/name/],
    ['a host without TLS', { host: 'http://example.com' }, /host must lead to https/],
    ['a host that is no URL', { host: 'nowhere' }, /host must be a URL/],
    ['two revisions', { from: 'hf:owner/name@a', revision: 'b' }, /must be given once/],
    ['a token with a line break', { token: 'a\nb' }, /token must be one word/],
    ['an unknown option', { cachedir: 'x' } as Opening, /did you mean 'cacheDir'/]
  ])('refuses %s before any request', async (_, opening, message) => {
    await refusal(opening, 'E_BAD_OPTION', message)
    expect(hub.requests).toEqual([])
  })

  it(
    'two processes download at once, and one that was killed leaves its part to the next',
    { timeout: 120_000 },
    async () => {
      const runner = fileURLToPath(new URL('../../../tools/run.js', import.meta.url))
      const program = fileURLToPath(new URL('one-download.ts', import.meta.url))
      const run = () => spawn(process.execPath, [runner, program, hub.url, cacheDir])
      const output = async (child: ReturnType<typeof run>): Promise<string> => {
        let out = ''
        child.stdout.on('data', (data: Buffer) => (out += data.toString()))
        child.stderr.on('data', (data: Buffer) => (out += data.toString()))
        await new Promise(resolve => child.on('close', resolve))
        return out.trim()
      }
      const killed = run()
      hub.intercept = (_, response, { at }) => {
        if (at !== 'cdn') return false
        response.writeHead(200, { 'content-length': weights.length })
        response.write(weights.subarray(0, 100_000), () => setTimeout(() => killed.kill('SIGKILL'), 200))
        return true
      }
      await output(killed)
      hub.intercept = () => false
      hub.requests.length = 0
      expect(await Promise.all([output(run()), output(run())])).toEqual(['202', '202'])
      expect(starts().some(start => start > 0)).toBe(true)
      expect(await filesIn()).toEqual(whole)
    }
  )
})

describe('loadSam', () => {
  it('loads a repository, and tells the phases of progress', async () => {
    const phases = new Set<string>()
    const sam = await loadSam('hf:owner/name', {
      backend: referenceBackend(),
      model: tinyTest,
      download: { host: hub.url, cacheDir },
      onProgress: ({ phase }) => phases.add(phase)
    })
    await sam.dispose()
    expect([...phases]).toEqual(['open', 'download', 'compile', 'ready'])
  })
})
