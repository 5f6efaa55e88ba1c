import { checkRange, memoryBytes, readAhead, type ByteSource } from './byte-source.js'
import { shownAddress, withoutCredentials } from './address.js'
import { requestFailed } from './request-failed.js'
import { checkTimeout, defaultTimeout, stopwatch } from './stopwatch.js'
import { brief, refusing, type Refuse } from '../errors.js'

/** Without Range support a file is downloaded whole, up to this many bytes. */
const wholeDownloadLimit = 512 * 2 ** 20

const firstBlock = 1 << 18

/** Bytes that are read again after each range where a server gives no other sign of a change. */
const sampleSize = 4096

interface UrlOptions {
  readonly signal?: AbortSignal | undefined
  /** Told as bytes of a whole download arrive. `total` is 0 when unknown. */
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined
  readonly wholeLimit?: number
  /** Milliseconds without an answer or a further byte after which a request fails. Default 60,000; Infinity: never. */
  readonly timeout?: number | undefined
}

/**
 * A file behind `http(s)`, read by Range requests. A server that does not know ranges is read whole, up to `wholeLimit`
 * bytes. User and password of an address are sent as a header and never shown.
 *
 * A file that changes between two reads is an error: by its length, its ETag and its date. Where a server gives neither
 * of the two, {@link sampleSize} bytes in the middle of the file are read again after each range and compared.
 *
 * Throws `WeightsError` `E_WEIGHTS_IO` for a refused or failed request, a server that sends nothing for `timeout`, an
 * HTML page instead of a file, a compressed body, another range than was asked for, a file that changed.
 */
export async function urlBytes(
  address: string | URL,
  { signal, onProgress, wholeLimit = wholeDownloadLimit, timeout = defaultTimeout }: UrlOptions = {}
): Promise<ByteSource> {
  const name = shownAddress(address)
  const fail: Refuse = refusing('E_WEIGHTS_IO', `${name}: `)
  checkTimeout(timeout)
  const { url, headers: credentials } = withoutCredentials(address) ?? fail('must be a URL that can be parsed')

  /** Sends a request, and has `use` read the answer, both within the time-out. */
  const request = async <T>(range: string, { method = 'GET', stop, use }: Request<T>): Promise<T> => {
    const headers = { 'accept-encoding': 'identity', ...credentials, ...(range && { range }) }
    const watch = stopwatch(timeout, stop)
    const attempt = (): Promise<Response> => fetch(url, { method, headers, signal: watch.signal })
    const failed = (text: string, cause: unknown): never => {
      stop?.throwIfAborted()
      return watch.late()
        ? fail(`the server sent nothing for ${timeout / 1000} s; try again, or give it longer with timeout`, cause)
        : fail(text, cause)
    }
    try {
      // Once more: servers close connections that idle between two reads.
      const answer = await attempt()
        .catch((cause: unknown) => (watch.signal.aborted ? Promise.reject(cause as Error) : attempt()))
        .catch((cause: unknown) => failed(requestFailed(cause), cause))
      watch.again()
      return await use(answer, limit => ({ limit, again: watch.again, failed, fail }))
    } finally {
      watch.end()
    }
  }

  let version = ''
  let size = NaN
  const first = await request(`bytes=0-${firstBlock - 1}`, {
    stop: signal,
    use: async (answer, reading): Promise<{ readonly head: Uint8Array<ArrayBuffer>; readonly whole: boolean }> => {
      if (answer.status === 416) return { head: new Uint8Array(0), whole: true }
      checkAnswer(answer, fail)
      if (answer.status !== 206)
        return { head: await readWhole(answer, { ...reading(wholeLimit), onProgress }), whole: true }
      checkStart(answer, 0, fail)
      version = versionOf(answer)
      size = totalOf(answer) ?? NaN
      return { head: await readBody(answer, reading(firstBlock)), whole: false }
    }
  })
  const { head } = first
  if (first.whole) return memoryBytes(head, name)
  if (Number.isNaN(size)) {
    const lengthOf = async (answer: Response): Promise<number> => Number(answer.headers.get('content-length') ?? NaN)
    size = await request('', { method: 'HEAD', stop: signal, use: lengthOf })
  }
  if (!Number.isSafeInteger(size) || size < head.length)
    fail('the server does not tell the size of the file; expose Content-Range or Content-Length')
  if (head.length !== Math.min(firstBlock, size))
    fail(`asked for ${Math.min(firstBlock, size)} bytes, got ${head.length}; the answer was cut off`)

  const changed = (): never => fail('the file changed while it was read; open it again')
  const range = (offset: number, length: number, stop: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> =>
    request(`bytes=${offset}-${offset + length - 1}`, {
      stop,
      use: async (answer, reading) => {
        checkAnswer(answer, fail)
        if (answer.status !== 206) return fail('the server stopped answering ranges; try again')
        if ((totalOf(answer) ?? size) !== size || versionOf(answer) !== version) changed()
        checkStart(answer, offset, fail)
        const body = await readBody(answer, reading(length))
        return body.length === length
          ? body
          : fail(`asked for ${length} bytes at ${offset}, got ${body.length}; the answer was cut off`)
      }
    })

  const sampleAt = Math.max(0, Math.floor((size - sampleSize) / 2))
  const readSample = (stop?: AbortSignal): Promise<Uint8Array> =>
    range(sampleAt, Math.min(sampleSize, size - sampleAt), stop)
  const sample = version === '' && size > head.length ? await readSample(signal) : undefined

  const at = { name, size }
  return readAhead(
    {
      ...at,
      async read(offset, length, stop) {
        stop?.throwIfAborted()
        checkRange(at, offset, length)
        if (offset + length <= head.length) return head.slice(offset, offset + length)
        const body = await range(offset, length, stop)
        if (sample && !sameBytes(await readSample(stop), sample)) changed()
        return body
      },
      async close() {}
    },
    { block: firstBlock }
  )
}

interface Request<T> {
  readonly method?: 'GET' | 'HEAD'
  readonly stop?: AbortSignal | undefined
  readonly use: (answer: Response, reading: (limit: number) => Reading) => Promise<T>
}
interface Reading {
  readonly limit: number
  /** Bytes arrived: the time-out begins again. */
  readonly again: () => void
  /** Throws what ended a request: the caller's abort, the time-out, or an error with this text. */
  readonly failed: (text: string, cause: unknown) => never
  readonly onProgress?: UrlOptions['onProgress']
  readonly fail: Refuse
}

/** What tells one version of a file from the next: '' where the server says nothing, or hides it from other origins. */
const versionOf = ({ headers }: Response): string =>
  [headers.get('etag'), headers.get('last-modified')].filter(Boolean).join(' ')

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i])

/**
 * Refuses an answer that does not begin where it was asked to. A `Content-Range` hidden from other origins says
 * nothing.
 */
function checkStart(answer: Response, offset: number, fail: Refuse): void {
  const found = answer.headers.get('content-range')
  const start = found === null ? undefined : (/^bytes (\d+)-/.exec(found)?.[1] ?? NaN)
  if (start !== undefined && Number(start) !== offset)
    fail(`asked for bytes from ${offset}, the server answered '${brief(found!)}'; it does not serve ranges correctly`)
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
  { limit, again, failed, onProgress, fail }: Reading
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
      again()
      onProgress?.({ loaded: size, total })
    }
  } catch (cause) {
    failed('the connection broke while reading; try again', cause)
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
