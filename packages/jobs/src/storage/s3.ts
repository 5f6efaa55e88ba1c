import { JobError, storageFailed } from '../errors.js'
import { optional } from '../optional.js'
import { inside, type Storage } from './storage.js'

/** The variables of AWS's own tools. */
type Environment = Readonly<Record<string, string | undefined>>

/** Opens `s3://BUCKET/PREFIX`. See `openStorage`. */
export async function openS3(location: string, env: Environment): Promise<Storage> {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(location) ?? []
  if (!bucket) storageFailed(`${location}: must be s3://BUCKET/PREFIX`)
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  if (!accessKeyId || !secretAccessKey)
    return storageFailed(`${location}: needs the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`)
  const { AwsClient } = await optional(() => import('aws4fetch'), {
    code: 'E_STORAGE',
    install: 'aws4fetch',
    purpose: location
  })
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1'
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const root = endpoint ? `${endpoint.replace(/\/+$/, '')}/${bucket}` : `https://${bucket}.s3.${region}.amazonaws.com`
  const prefix = path.replace(/\/+$/, '') && `${path.replace(/\/+$/, '')}/`
  // Repeats after 429 and 5xx, with exponential back-off.
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
    service: 's3',
    region,
    retries: 5
  })

  const request = async (
    name: string,
    { accept, ...init }: RequestInit & { accept: readonly number[] }
  ): Promise<Response> => {
    const url = `${root}/${(prefix + name).split('/').map(encodeURIComponent).join('/')}`
    return send(client, url, { accept, ...init })
  }
  const put = (name: string, bytes: Uint8Array, init: Pick<RequestInit, 'headers' | 'signal'>): Promise<Response> =>
    request(inside(name), { ...init, method: 'PUT', body: bytes as BodyInit, accept: [200, 204, 412] })

  return {
    location: `s3://${bucket}/${prefix}`.replace(/\/+$/, ''),
    async *list(folder, signal) {
      const below = folder === '' ? prefix : `${prefix}${folder}/`
      for (let token: string | undefined = ''; token !== undefined; ) {
        const query = new URLSearchParams({ 'list-type': '2', 'encoding-type': 'url', prefix: below })
        if (token) query.set('continuation-token', token)
        const init = { accept: [200], signal: signal ?? null }
        const { keys, next } = parseList(await (await send(client, `${root}/?${query}`, init)).text())
        for (const key of keys) {
          const name = key.slice(prefix.length)
          if (!name.endsWith('/') && !name.split('/').some(part => part.startsWith('.'))) yield name
        }
        token = next
      }
    },
    async read(name, signal) {
      const response = await request(inside(name), { accept: [200, 404], signal: signal ?? null })
      if (response.status === 404) return undefined
      return new Uint8Array(await response.arrayBuffer())
    },
    async has(name, signal) {
      const response = await request(inside(name), { method: 'HEAD', accept: [200, 404], signal: signal ?? null })
      return response.status === 200
    },
    async create(name, bytes, signal) {
      const { status } = await put(name, bytes, { headers: { 'if-none-match': '*' }, signal: signal ?? null })
      return status !== 412
    },
    async replace(name, chunks, signal) {
      const parts: Uint8Array[] = []
      for await (const chunk of chunks) parts.push(chunk)
      await put(name, Buffer.concat(parts), { signal: signal ?? null })
    },
    async remove(name, signal) {
      await request(inside(name), { method: 'DELETE', accept: [200, 204, 404], signal: signal ?? null })
    }
  }
}

/** The text of an XML element. */
const textOf = (xml: string): string =>
  xml.replace(/&(#x[0-9a-f]{1,5}|#\d{1,6}|\w+);/g, (entity, code: string) =>
    code.startsWith('#') ? String.fromCodePoint(Number(code.slice(1).replace('x', '0x'))) : (entities[code] ?? entity)
  )

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The keys of a list, and where its next part begins. Keys can have any character, so S3 encodes them as URLs. */
function parseList(xml: string): { readonly keys: readonly string[]; readonly next: string | undefined } {
  const isEncoded = /<EncodingType>url</.test(xml)
  const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) =>
    isEncoded ? decodeURIComponent(textOf(key).replaceAll('+', ' ')) : textOf(key)
  )
  const [, next] = /<NextContinuationToken>([^<]*)</.exec(xml) ?? []
  return { keys, next: next && textOf(next) }
}

async function send(
  client: { fetch(url: string, init: RequestInit): Promise<Response> },
  url: string,
  { accept, signal, ...init }: RequestInit & { accept: readonly number[] }
): Promise<Response> {
  const shown = url.split('?')[0]
  try {
    const response = await client.fetch(url, { ...init, ...(signal ? { signal } : {}) })
    if (accept.includes(response.status)) return response
    const [, code = ''] = /<Code>(\w+)<\/Code>/.exec(await response.text()) ?? []
    return storageFailed(`${init.method ?? 'GET'} ${shown}: the server answered ${response.status} ${code}`.trimEnd())
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof JobError) throw cause
    const { message, cause: inner } = cause as Error
    return storageFailed(`${shown}: ${inner instanceof Error ? inner.message : message}`, cause)
  }
}
