import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HubRequest {
  /** `hub` or `cdn`, the other origin that files redirect to. */
  readonly at: 'hub' | 'cdn'
  readonly path: string
  readonly range: string | undefined
  readonly authorization: string | undefined
}

/** A server that plays the Hugging Face hub, and the CDN that its LFS files redirect to: another origin. */
export interface HubServer extends AsyncDisposable {
  readonly url: string
  readonly cdn: string
  readonly requests: HubRequest[]
  /** The commit that `main` is at. */
  commit: string
  /** Contents of the repository `owner/name`. Those of `lfs` are served by the CDN. */
  files: Record<string, Uint8Array>
  lfs: Set<string>
  /** What the listing says of a file, instead of the truth. */
  listed: Record<string, object>
  token: string | undefined
  /** Answers instead of the hub or the CDN, where it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse, at: HubRequest) => boolean
  /** ETag of the CDN. */
  etag: string
}

const digest = (algorithm: string, ...parts: (string | Uint8Array)[]): string => {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

export const firstCommit = '1'.repeat(40)

export async function hubServer(files: Record<string, Uint8Array>): Promise<HubServer> {
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'authorization',
    'access-control-expose-headers': 'etag, content-range'
  }
  const listen = async (listener: RequestListener): Promise<{ server: Server; url: string }> => {
    const server = createServer((request, response) => {
      for (const [name, value] of Object.entries({ ...cors, connection: 'close' })) response.setHeader(name, value)
      if (request.method === 'OPTIONS') response.writeHead(204).end()
      else listener(request, response)
    })
    await new Promise<void>(done => {
      server.listen(0, '127.0.0.1', done)
    })
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }
  const seen = (request: IncomingMessage, at: 'hub' | 'cdn'): HubRequest => {
    const { range, authorization } = request.headers
    const entry = { at, path: request.url!, range, authorization }
    hub.requests.push(entry)
    return entry
  }
  const cdn = await listen((request, response) => {
    if (hub.intercept(request, response, seen(request, 'cdn'))) return
    sendFile(request, response, { bytes: hub.files[request.url!.slice(1)], etag: hub.etag })
  })
  const main = await listen((request, response) => {
    if (hub.intercept(request, response, seen(request, 'hub'))) return
    const { authorization } = request.headers
    if (hub.token !== undefined && authorization !== `Bearer ${hub.token}`) {
      response.writeHead(401).end()
      return
    }
    const [, revision] = /^\/api\/models\/owner\/name\/revision\/([^/?]+)\?blobs=true$/.exec(request.url!) ?? []
    if (revision === 'main' || revision === hub.commit) {
      const siblings = Object.entries(hub.files).map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: digest('sha1', `blob ${bytes.length}\0`, bytes),
        ...(hub.lfs.has(rfilename) ? { lfs: { sha256: digest('sha256', bytes), size: bytes.length } } : {}),
        ...hub.listed[rfilename]
      }))
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ sha: hub.commit, siblings: [...siblings, { rfilename: '.gitattributes' }] }))
      return
    }
    const [, commit, name] = /^\/owner\/name\/resolve\/([0-9a-f]{40})\/([^/?]+)$/.exec(request.url!) ?? []
    const bytes = commit === hub.commit && name !== undefined ? hub.files[name] : undefined
    if (!bytes) response.writeHead(404).end()
    else if (hub.lfs.has(name)) response.writeHead(302, { location: `${cdn.url}/${name}` }).end()
    else sendFile(request, response, { bytes, etag: '"small"' })
  })
  const hub: HubServer = {
    url: main.url,
    cdn: cdn.url,
    requests: [],
    commit: firstCommit,
    files,
    lfs: new Set(Object.keys(files).filter(name => /\.(safetensors|bin)$/.test(name))),
    listed: {},
    token: undefined,
    intercept: () => false,
    etag: '"1"',
    async [Symbol.asyncDispose]() {
      for (const { server } of [main, cdn]) {
        server.closeAllConnections()
        await new Promise(resolve => server.close(resolve))
      }
    }
  }
  return hub
}

/** Serves a file, or the rest of it from the first byte of the range. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, etag, most = Infinity }: { readonly bytes: Uint8Array; readonly etag: string; readonly most?: number }
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
  response.writeHead(from > 0 ? 206 : 200, {
    etag,
    'content-length': bytes.length - from,
    ...(from > 0 ? range : {})
  })
  if (bytes.length - from <= most) response.end(bytes.subarray(from))
  else response.write(bytes.subarray(from, from + most), () => setTimeout(() => response.destroy(), 20))
}
