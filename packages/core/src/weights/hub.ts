import { checkSecure, hubClient, isTemporary, type Client } from './hub-client.js'
import { fetchFile, retrying, type HubFile } from './hub-file.js'
import { downloadLimit, smallFileLimit } from './limits.js'
import { indexFile, readIndex, singleFiles } from './shards.js'
import { brief, refuse, refusing, shown, type Refuse } from '../errors.js'
import { checkTimeout, defaultTimeout } from '../io/stopwatch.js'
import { readOptions } from '../options.js'
import { blobBytes, foldersIn, openDownloads, openFile, type ByteSource } from '#io'

/** How a repository of the Hugging Face hub (`hf:owner/name`) is downloaded. */
export interface DownloadOptions {
  /**
   * Commit, branch or tag; also `hf:owner/name@revision`. Default `main`. A whole commit (40 digits) that is in the
   * cache makes no request. A branch or tag is resolved by one request at each load.
   */
  readonly revision?: string | undefined
  /** Another hub with the same API: https, or a server of this computer. Default `https://huggingface.co`. */
  readonly host?: string | undefined
  /** Access token for private and gated repositories. It is sent to `host` alone, also after redirects. */
  readonly token?: string | undefined
  /**
   * Node: folder of downloads. Default: `sam/hub` in the user's cache (`XDG_CACHE_HOME`, else `~/.cache`). A browser
   * keeps them in the page's Cache API.
   */
  readonly cacheDir?: string | undefined
}

interface RepositoryOptions {
  readonly download: DownloadOptions
  readonly signal?: AbortSignal | undefined
  readonly timeout?: number | undefined
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined
}

/** What a commit of a repository contains: the files beside each other at its root. */
interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision)

/** File in the cache with the listing of a commit. No file that is downloaded begins with a dot. */
const listingFile = '.listing.json'

/**
 * The weights of a repository in Hugging Face's layout, by file name: those in the cache, and those it downloads. Each
 * download is checked against the digest that the hub lists, and resumed after an interruption. The cache is keyed by
 * host, repository and commit.
 *
 * Throws `InputError` `E_BAD_OPTION`, and `WeightsError`: `E_WEIGHTS_IO` for a request that fails, a file with another
 * digest and a cache that cannot be written, `E_WEIGHTS_FORMAT` for a repository without weights,
 * `E_WEIGHTS_MISMATCH` where its `config.json` is not of a SAM. An abort rejects with the signal's reason.
 */
export async function downloadRepository(
  address: string,
  { download, signal, timeout = defaultTimeout, onProgress }: RepositoryOptions
): Promise<ReadonlyMap<string, string | Blob>> {
  const { repository, revision, host, token, cacheDir } = locate(address, download)
  checkTimeout(timeout)
  signal?.throwIfAborted()
  const client = hubClient({ host, token, timeout, signal })
  const fail = refusing('E_WEIGHTS_IO', `hf:${repository}: `)
  const path = [host.href, repository]

  const { commit, files } = await findListing(revision, { client, host, repository, path, cacheDir, signal, fail })
  const downloads = await openDownloads({ path: [...path, commit], cacheDir })
  const fileNamed = (name: string): HubFile | undefined => files.find(file => file.name === name)
  const get = (file: HubFile, onBytes?: (bytes: number) => void): Promise<string | Blob> => {
    const url = new URL(`${repository}/resolve/${commit}/${file.name}`, host)
    return fetchFile(file, { client, downloads, url, signal, onBytes })
  }
  const read = async (file: HubFile): Promise<ByteSource> => {
    if (file.size > smallFileLimit) fail(`${file.name} must have at most ${smallFileLimit} bytes, has ${file.size}`)
    const found = await get(file)
    return typeof found === 'string' ? openFile(found) : blobBytes(found, file.name)
  }

  const config = fileNamed('config.json')
  if (config) await checkConfig(await read(config), `hf:${repository}`)

  const single = singleFiles.map(fileNamed).find(file => file !== undefined)
  const index = single ? undefined : fileNamed(indexFile)
  if (!single && !index)
    refuse(
      'E_WEIGHTS_FORMAT',
      `hf:${repository}: must hold ${[...singleFiles, indexFile].join(', or ')}, found ${files.length} other files`
    )
  const names = single ? [single.name] : await readIndex(await read(index!), signal)
  const weights = [...names].map(
    // Looked up in the listing, so a name cannot lead out of the folder.
    name => fileNamed(name) ?? fail(`${indexFile} names '${brief(name)}', which is not in the repository`)
  )
  for (const { name, size, digest } of weights)
    if (size > downloadLimit || (digest.length !== 64 && size > smallFileLimit))
      fail(`${name} must have at most ${digest.length === 64 ? downloadLimit : smallFileLimit} bytes, has ${size}`)

  const total = weights.reduce((n, file) => n + file.size, 0)
  const found = new Map<string, string | Blob>()
  let [done, loaded] = [0, 0]
  for (const file of weights) {
    const onBytes = (bytes: number): void => {
      loaded = Math.max(loaded, done + bytes) // after a restart it waits
      onProgress?.({ loaded, total })
    }
    found.set(file.name, await get(file, onBytes))
    done += file.size
  }
  if (index) found.set(indexFile, await get(index))
  return found
}

/** Checks the options and the address. Throws `E_BAD_OPTION`. */
function locate(address: string, given: DownloadOptions) {
  const names = { revision: true, host: true, token: true, cacheDir: true } as const
  const { host = 'https://huggingface.co', token, cacheDir, ...options } = readOptions('download', given, names)
  for (const [name, value] of Object.entries({ host, token, cacheDir, revision: options.revision }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      refuse('E_BAD_OPTION', `download: ${name} must be a text, found ${shown(value)}`)
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    refuse('E_BAD_OPTION', 'download: token must be one word of ASCII characters, found others')
  const [, repository, inAddress] = /^hf:((?:\w[\w.-]*\/)?\w[\w.-]*)(?:@(.+))?$/i.exec(address) ?? []
  if (repository === undefined)
    refuse('E_BAD_OPTION', `a repository must be hf:owner/name or hf:owner/name@revision, found '${brief(address)}'`)
  if (inAddress !== undefined && options.revision !== undefined && inAddress !== options.revision)
    refuse(
      'E_BAD_OPTION',
      `revision: must be given once, found ${shown(options.revision)} and, in the address, ${shown(inAddress)}`
    )
  const url = URL.canParse(host) ? new URL(host.endsWith('/') ? host : `${host}/`) : undefined
  if (!url || url.username || url.password || url.search || url.hash)
    return refuse('E_BAD_OPTION', `download: host must be a URL such as https://huggingface.co, found ${shown(host)}`)
  checkSecure(url, url, refusing('E_BAD_OPTION', 'download: host '))
  return { repository, revision: inAddress ?? options.revision ?? 'main', host: url, token, cacheDir }
}

interface FindOptions {
  readonly client: Client
  readonly host: URL
  readonly repository: string
  /** Folder of the repository in the cache. */
  readonly path: readonly string[]
  readonly cacheDir: string | undefined
  readonly signal: AbortSignal | undefined
  readonly fail: Refuse
}

/** The listing of a revision: of a commit from the cache, otherwise from the hub. */
async function findListing(revision: string, options: FindOptions): Promise<Listing> {
  const { client, host, repository, path, cacheDir, signal, fail } = options
  if (isCommit(revision)) {
    const downloads = await openDownloads({ path: [...path, revision], cacheDir })
    const found = await downloads.find(listingFile)
    if (found !== undefined) {
      const file = await (typeof found === 'string' ? openFile(found) : blobBytes(found))
      try {
        return readListing(await file.read(0, Math.min(file.size, smallFileLimit), signal), fail)
      } finally {
        await file.close()
      }
    }
  }
  const url = new URL(`api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`, host)
  const request = (): Promise<Uint8Array<ArrayBuffer>> =>
    client.get(url, {}, async ({ body }) => {
      const parts: Uint8Array<ArrayBuffer>[] = []
      let size = 0
      for await (const part of body) {
        if ((size += part.length) > smallFileLimit) fail(`its listing must have at most ${smallFileLimit} bytes`)
        parts.push(part)
      }
      return new Uint8Array(await new Blob(parts).arrayBuffer())
    })
  const bytes = await retrying(request, { signal }).catch(async (error: unknown) => {
    const cached = isTemporary(error) ? (await foldersIn({ path, cacheDir })).filter(isCommit) : []
    if (cached.length === 0) throw error
    return fail(
      `${(error as Error).message}. The cache has the commit ${cached.join(', ')}: name it as the revision, and no request is made`,
      error
    )
  })
  const listing = readListing(bytes, fail)
  if (isCommit(revision) && listing.commit !== revision)
    fail(`must be the commit ${revision}, the server sent ${listing.commit}`)
  const downloads = await openDownloads({ path: [...path, listing.commit], cacheDir })
  if ((await downloads.find(listingFile)) === undefined) {
    const file = await downloads.begin(listingFile, signal)
    await file.truncate()
    await file.write(bytes)
    await file.commit()
  }
  return listing
}

/** Reads `{ sha, siblings: [{ rfilename, size, blobId, lfs: { sha256 } }, …] }`. Throws `E_WEIGHTS_IO`. */
function readListing(bytes: Uint8Array, fail: Refuse): Listing {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    return fail(`its listing must be JSON; ${(cause as Error).message}`, cause)
  }
  const { sha, siblings } = fieldsOf(json)
  if (typeof sha !== 'string' || !isCommit(sha) || !Array.isArray(siblings))
    return fail('its listing must have a commit and files; check that the host has the API of huggingface.co')
  const files = siblings.flatMap((entry: unknown): HubFile[] => {
    const { rfilename: name, size, blobId, lfs } = fieldsOf(entry)
    // Files in folders are not of this layout, and names that begin with a dot are not of the model.
    if (typeof name !== 'string' || !/^\w[\w.-]{0,199}$/.test(name)) return []
    const digest = fieldsOf(lfs).sha256 ?? blobId
    if (!Number.isSafeInteger(size) || (size as number) < 0 || !isDigest(digest))
      return fail(
        `its listing must have the size and digest of ${name}; check that the host has the API of huggingface.co`
      )
    return [{ name, size: size as number, digest }]
  })
  return { commit: sha, files }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value)

/** Refuses another model before its weights are downloaded. */
async function checkConfig(file: ByteSource, name: string): Promise<void> {
  try {
    const type = fieldsOf(JSON.parse(new TextDecoder().decode(await file.read(0, file.size)))).model_type
    if (typeof type === 'string' && type !== 'sam')
      refuse('E_WEIGHTS_MISMATCH', `${name}: must be a SAM (model_type 'sam'), found '${brief(type)}'`)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    refuse('E_WEIGHTS_FORMAT', `${name}: config.json must be JSON; ${cause.message}`, { cause })
  } finally {
    await file.close()
  }
}
