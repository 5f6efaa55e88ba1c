import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { readOptions, refuse, shown } from '@sam/core/graph'
import { cors } from 'hono/cors'
import type { DestinationStream } from 'pino'
import { createApp, type App, type Service } from './app.js'
import { authorized, isLoopback } from './auth.js'
import { uncompressed } from './bodies.js'
import { DiskCache } from './disk-cache.js'
import type { BatchOptions } from './encoder.js'
import { checkFetchRules, type FetchRules } from './fetch-image.js'
import { HttpError } from './http-error.js'
import { ImageCache } from './image-cache.js'
import { readLimits, type Limits } from './limits.js'
import { createLog } from './log.js'
import { Metrics } from './metrics.js'
import { openModel, type ModelOptions } from './model.js'
import { addRoutes } from './routes.js'
import { addCvat } from './tools/cvat.js'
import { addRoboflow } from './tools/roboflow.js'
import { addLabelStudio, withLabelStudio, type LabelStudioOptions } from './tools/label-studio.js'

export interface ServerOptions {
  /** The models by their names; the first is the default. */
  readonly models: Readonly<Record<string, ModelOptions>>
  /**
   * Who may use the server: each request carries one of these, of at least 16 characters. Default: none, and only this
   * machine can reach the server.
   */
  readonly tokens?: readonly string[] | undefined
  /** From where images may be fetched. Default: nowhere. */
  readonly fetch?: FetchRules | undefined
  /** A Label Studio whose images are fetched with its token. */
  readonly labelStudio?: LabelStudioOptions | undefined
  /** Web pages that may use the server, by their origins. Default: none. */
  readonly corsOrigins?: readonly string[] | undefined
  readonly cache?: CacheOptions | undefined
  readonly limits?: Partial<Limits> | undefined
  /**
   * Images that the encoder takes in one run. Default: one, without a wait. On a CPU a batch is not faster; on a GPU it
   * may be.
   */
  readonly batch?: Partial<BatchOptions> | undefined
  /** `info` (default), `warn`, `error` or `silent`; one JSON object per line. */
  readonly logLevel?: string | undefined
  /** Where the log goes. Default: stdout. */
  readonly log?: DestinationStream | undefined
}

export interface CacheOptions {
  /** Bytes of encoded images in memory, as an estimate. Default 1 GiB, 50 images of a published model. */
  readonly memoryBytes?: number | undefined
  /** A folder for encoded images and their photos, which servers may share. Default: none. */
  readonly folder?: string | undefined
  /** Bytes of the folder. Default 10 GiB. */
  readonly diskBytes?: number | undefined
}

export interface Server {
  /** Answers a request without a socket, for other runtimes and tests. */
  readonly fetch: (request: Request) => Promise<Response>
  /** The OpenAPI document. */
  readonly openapi: () => object
  /**
   * Listens, and returns the address. Default: 127.0.0.1:8000; port 0 takes any free one. Throws `E_BAD_OPTION` for a
   * host beyond this machine where the server has no tokens.
   */
  readonly listen: (at?: { readonly host?: string; readonly port?: number }) => Promise<string>
  /**
   * Stops: no new requests, those in progress are finished. After `grace` milliseconds (default 30,000) they are
   * aborted. The models are not disposed of.
   */
  readonly close: (options?: { readonly grace?: number }) => Promise<void>
}

const memoryDefault = 2 ** 30
const diskDefault = 10 * 2 ** 30

/**
 * A server for Segment Anything.
 *
 * Throws `E_BAD_OPTION`.
 *
 * @example
 * const server = await createServer({ models: { mobile_sam: { sam, device: backend.name } } })
 * console.log(await server.listen())
 */
export async function createServer(given: ServerOptions): Promise<Server> {
  const options = readOptions('createServer', given, {
    models: true,
    tokens: true,
    fetch: true,
    labelStudio: true,
    corsOrigins: true,
    cache: true,
    limits: true,
    batch: true,
    logLevel: true,
    log: true
  })
  const { models, tokens = [], fetch: givenRules = {}, corsOrigins = [], cache = {}, batch = {} } = options
  if (!Object.keys(models).length) refuse('E_BAD_OPTION', 'models: must have at least one model')
  checkFetchRules(givenRules)
  const fetchRules = withLabelStudio(givenRules, options.labelStudio)
  const limits = readLimits(options.limits)
  const { size = 1, window = 0 } = batch
  if (!(Number.isInteger(size) && size >= 1 && size <= 64 && window >= 0 && window <= 10_000))
    refuse(
      'E_BAD_OPTION',
      `batch: size must be 1 to 64 and window 0 to 10,000 ms, found ${shown(size)}, ${shown(window)}`
    )
  const { memoryBytes = memoryDefault, folder, diskBytes = diskDefault } = cache
  for (const [name, value] of Object.entries({ memoryBytes, diskBytes }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      refuse('E_BAD_OPTION', `cache: ${name} must be a whole number from 1, found ${shown(value)}`)

  const metrics = new Metrics()
  const log = createLog(options.logLevel ?? 'info', options.log)
  const disk =
    folder === undefined
      ? undefined
      : await DiskCache.open(folder, diskBytes, {
          failed: (error, first) => {
            metrics.diskFailed()
            if (first)
              log.warn(
                { error },
                'the disk cache failed; images are kept in memory only until a file can be written again'
              )
          },
          recovered: () => log.info('the disk cache is in use again')
        })
  const images = new ImageCache(memoryBytes, disk, how => metrics.found(how))
  const opened = new Map(
    await Promise.all(
      Object.entries(models).map(
        async ([name, model]) => [name, await openModel(name, model, { batch: { size, window }, limits })] as const
      )
    )
  )
  metrics.watch(opened, images)

  let stopping = false
  const active: Service['active'] = new Set()
  const service: Service = {
    models: opened,
    cache: images,
    limits,
    fetchRules,
    metrics,
    log,
    active,
    isStopping: () => stopping
  }
  const app = createApp(service)
  if (corsOrigins.length)
    app.use(
      cors({
        origin: [...corsOrigins],
        allowHeaders: ['authorization', 'content-type'],
        exposeHeaders: ['retry-after', 'x-request-id']
      })
    )
  addState(app, service)
  app.use(authorized(tokens))
  app.use(uncompressed)
  app.use(async (_, next) => {
    if (stopping) throw new HttpError(503, 'E_STOPPING', 'the server is stopping').with({ 'retry-after': '5' })
    await next()
  })
  app.get('/metrics', async c =>
    c.text(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType })
  )
  addRoutes(app, service)
  addLabelStudio(app, service, options.labelStudio)
  addCvat(app, service)
  addRoboflow(app, service)

  let http: HttpServer | undefined
  return {
    fetch: async request => app.fetch(request),
    openapi: () => app.getOpenAPI31Document(document),
    async listen({ host = '127.0.0.1', port = 8000 } = {}) {
      if (http) refuse('E_BAD_OPTION', 'listen: the server listens already')
      if (!tokens.length && !isLoopback(host))
        refuse(
          'E_BAD_OPTION',
          `host: without tokens it must be localhost, found ${shown(host)}; set tokens to listen there`
        )
      http = httpServer(app, limits)
      const server = http
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen({ host, port }, () => {
          server.off('error', reject)
          resolve()
        })
      }).catch((cause: NodeJS.ErrnoException) =>
        refuse('E_BAD_OPTION', `host and port: cannot listen on ${host}:${port} (${cause.code})`, { cause })
      )
      const { address, family, port: bound } = server.address() as AddressInfo
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
    },
    async close({ grace = 30_000 } = {}) {
      stopping = true
      const closed = new Promise<void>(resolve => (http ? http.close(() => resolve()) : resolve()))
      http?.closeIdleConnections()
      const abort = (): void => {
        for (const scope of active) scope.abort(new HttpError(503, 'E_STOPPING', 'the server is stopping'))
      }
      const timers = [setTimeout(abort, grace), setTimeout(() => http?.closeAllConnections(), grace + 2000)]
      await closed
      timers.forEach(clearTimeout)
      images.clear()
    }
  }
}

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Segment Anything',
    version: '1',
    description: 'Upload an image once, then predict masks for any number of prompts.'
  }
}

/** Routes that need no token: probes, and the description of the others. */
function addState(app: App, { isStopping }: Service): void {
  // Also the answer that Label Studio's health check expects.
  app.get('/health', c => c.json({ status: 'UP' }))
  app.get('/ready', c => (isStopping() ? c.json({ status: 'STOPPING' }, 503) : c.json({ status: 'READY' })))
  app.doc31('/openapi.json', document)
}

/** A server that gives up on clients that send or read too slowly. */
function httpServer(app: App, { headerTime, connections, time }: Limits): HttpServer {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: headerTime,
      requestTimeout: 6 * headerTime,
      connectionsCheckingInterval: Math.min(1000, headerTime),
      keepAliveTimeout: 65_000
    }
  }) as HttpServer
  server.maxConnections = connections
  server.timeout = time + headerTime
  // Node closes the connections that are idle when a server stops, but not those that become so afterwards.
  server.on('request', (_, response) =>
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections()
    })
  )
  return server
}
