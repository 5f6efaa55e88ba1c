import { checkRange, memoryBytes, readAhead, type ByteSource } from './byte-source.js'
import { refusing, type Refuse } from '../errors.js'

/** Without Range support a file is downloaded whole, up to this many bytes. */
const wholeDownloadLimit = 512 * 2 ** 20

const firstBlock = 1 << 18

interface UrlOptions {
  readonly signal?: AbortSignal | undefined
  /** Told as bytes of a whole download arrive. `total` is 0 when unknown. */
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined
  readonly wholeLimit?: number
}

/**
 * A file behind `http(s)`, read by Range requests. A server that does not know ranges is read whole, up to `wholeLimit`
 * bytes. Throws `WeightsError` `E_WEIGHTS_IO` for a refused or failed request, an HTML page instead of a file, a
 * compressed body, a file that changed.
 */
export async function urlBytes(
  url: string | URL,
  { signal, onProgress, wholeLimit = wholeDownloadLimit }: UrlOptions = {}
): Promise<ByteSource> {
  const name = String(url)
  const fail: Refuse = refusing('E_WEIGHTS_IO', `${name}: `)

  const get = async (range: string, { method = 'GET', stop }: Request = {}): Promise<Response> => {
    const headers = { 'accept-encoding': 'identity', ...(range && { range }) }
    const attempt = (): Promise<Response> => fetch(url, { method, headers, ...(stop && { signal: stop }) })
    try {
      // Once more: servers close connections that idle between two reads.
      return await attempt().catch(attempt)
    } catch (cause) {
      stop?.throwIfAborted()
      return fail(
        'the request failed; check the address, the network, and whether the server allows this page to read it (CORS)',
        cause
      )
    }
  }

  const first = await get(`bytes=0-${firstBlock - 1}`, { stop: signal })
  if (first.status === 416) return memoryBytes(new Uint8Array(0), name)
  checkAnswer(first, fail)
  if (first.status !== 206)
    return memoryBytes(await readWhole(first, { limit: wholeLimit, signal, onProgress, fail }), name)

  const head = await readBody(first, { limit: firstBlock, signal, fail })
  const size =
    totalOf(first) ?? Number((await get('', { method: 'HEAD', stop: signal })).headers.get('content-length') ?? NaN)
  if (!Number.isSafeInteger(size) || size < head.length)
    fail('the server does not tell the size of the file; expose Content-Range or Content-Length')
  if (head.length !== Math.min(firstBlock, size))
    fail(`asked for ${Math.min(firstBlock, size)} bytes, got ${head.length}; the answer was cut off`)
  // Servers without ETag, and those that hide it from other origins, still tell when the file was last modified.
  const version = (answer: Response): string => `${answer.headers.get('etag')} ${answer.headers.get('last-modified')}`

  const at = { name, size }
  return readAhead(
    {
      ...at,
      async read(offset, length, stop) {
        stop?.throwIfAborted()
        checkRange(at, offset, length)
        if (offset + length <= head.length) return head.slice(offset, offset + length)
        const answer = await get(`bytes=${offset}-${offset + length - 1}`, { stop })
        checkAnswer(answer, fail)
        if (answer.status !== 206) return fail('the server stopped answering ranges; try again')
        if ((totalOf(answer) ?? size) !== size || version(answer) !== version(first))
          return fail('the file changed while it was read; open it again')
        const body = await readBody(answer, { limit: length, signal: stop, fail })
        return body.length === length
          ? body
          : fail(`asked for ${length} bytes at ${offset}, got ${body.length}; the answer was cut off`)
      },
      async close() {}
    },
    { block: firstBlock }
  )
}

interface Request {
  readonly method?: 'GET' | 'HEAD'
  readonly stop?: AbortSignal | undefined
}
interface Reading {
  limit: number
  signal: AbortSignal | undefined
  onProgress?: UrlOptions['onProgress']
  fail: Refuse
}

/** The size of the whole file from `Content-Range: bytes 0-9/1234`. */
function totalOf(answer: Response): number | undefined {
  const total = /\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

function checkAnswer(answer: Response, fail: Refuse): void {
  if (!answer.ok)
    fail(`the server answered ${answer.status} ${answer.statusText}; check the address and whether it needs a login`)
  if (/^text\/html/i.test(answer.headers.get('content-type') ?? ''))
    fail('is a web page, not a checkpoint; use the download link of the file itself')
  const encoding = answer.headers.get('content-encoding') ?? 'identity'
  if (answer.status === 206 && encoding !== 'identity')
    fail(`the server sends ranges of a ${encoding} stream; turn compression off there`)
}

async function readWhole(answer: Response, reading: Reading): Promise<Uint8Array<ArrayBuffer>> {
  const { limit, fail } = reading
  const declared = Number(answer.headers.get('content-length') ?? 0)
  if (declared > limit) {
    await answer.body?.cancel()
    fail(
      `the server does not support Range requests and the file has ${declared} bytes, more than the ${limit} read whole; download it first`
    )
  }
  const body = await readBody(answer, reading)
  const plain = (answer.headers.get('content-encoding') ?? 'identity') === 'identity'
  if (plain && declared > 0 && body.length !== declared)
    fail(`announced ${declared} bytes, sent ${body.length}; the answer was cut off`)
  return body
}

/** Reads a body, never holding more than `limit` bytes of it. */
async function readBody(
  answer: Response,
  { limit, signal, onProgress, fail }: Reading
): Promise<Uint8Array<ArrayBuffer>> {
  const total = Number(answer.headers.get('content-length') ?? 0)
  const parts: Uint8Array[] = []
  let size = 0
  const reader = answer.body?.getReader()
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      size += next.value.length
      if (size > limit) break
      parts.push(next.value)
      onProgress?.({ loaded: size, total })
    }
  } catch (cause) {
    signal?.throwIfAborted()
    fail('the connection broke while reading; try again', cause)
  }
  if (size > limit) {
    await reader?.cancel()
    fail(`sent more than the ${limit} bytes asked for; the server ignores ranges, so download the file first`)
  }
  const out = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
