import type { ErrorHandler, MiddlewareHandler } from 'hono'
import { OpenAPIHono } from '@hono/zod-openapi'
import { printable } from '@sam/core/graph'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import type { ImageCache } from './image-cache.js'
import type { FetchRules } from './fetch-image.js'
import { errorBody, HttpError, httpError } from './http-error.js'
import type { Limits } from './limits.js'
import type { Logger } from './log.js'
import type { Metrics } from './metrics.js'
import type { ServedModel } from './model.js'
import { RequestScope } from './request-scope.js'

/** What all routes share. */
export interface Service {
  readonly models: ReadonlyMap<string, ServedModel>
  readonly cache: ImageCache
  readonly limits: Limits
  readonly fetchRules: FetchRules
  readonly metrics: Metrics
  readonly log: Logger
  /** Requests in progress. */
  readonly active: Set<RequestScope>
  readonly isStopping: () => boolean
}

export interface Env {
  Variables: { scope: RequestScope }
}

export type App = OpenAPIHono<Env>

/** An app whose bodies are checked by their schemas, and whose errors all have the same form. */
export function createApp(service: Service): App {
  const app = new OpenAPIHono<Env>({
    defaultHook: result => {
      if (result.success) return
      const { path, message } = result.error.issues[0]
      throw new HttpError(400, 'E_BAD_REQUEST', `${path.join('.') || 'body'}: ${message}`)
    }
  })
  app.use(inScope(service))
  app.notFound(() => {
    throw new HttpError(404, 'E_NOT_FOUND', 'no such route; /openapi.json lists them')
  })
  app.onError(onError)
  return app
}

/** Gives each request an id, a signal and a log line, and measures it. */
function inScope({ active, limits, log, metrics, isStopping }: Service): MiddlewareHandler<Env> {
  return async (c, next) => {
    const start = performance.now()
    const timeLimit = (): HttpError =>
      new HttpError(504, 'E_TIME_LIMIT', `the request took longer than ${limits.time / 1000} s, waiting included`)
    const scope = new RequestScope(log, limits.time, timeLimit)
    c.set('scope', scope)
    active.add(scope)
    // 499 is nginx's status for it: nobody receives this answer.
    const gone = (): void => scope.abort(new HttpError(499 as 400, 'E_BAD_REQUEST', 'the client has left'))
    const { signal } = c.req.raw
    if (signal.aborted) gone()
    else signal.addEventListener('abort', gone, { once: true })
    await next()
    c.header('x-request-id', scope.id)
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store', { append: false })
    if (isStopping()) c.header('connection', 'close')
    void (scope.streamed ?? Promise.resolve())
      .catch(() => {})
      .finally(() => {
        scope.end()
        active.delete(scope)
        signal.removeEventListener('abort', gone)
        const labels = { method: c.req.method, route: routePath(c, -1), status: c.res.status }
        const seconds = (performance.now() - start) / 1000
        metrics.answered(labels, seconds)
        scope.log.info({ ...labels, path: printable(c.req.path, 200), seconds, ...scope.failure })
      })
  }
}

const onError: ErrorHandler<Env> = (given, c) => {
  const scope = c.get('scope')
  const error = given instanceof HTTPException ? ofValidator(given) : httpError(given)
  scope.failure = { code: error.code, message: printable(error.message, 500) }
  if (error.status >= 500) scope.log.error({ error: given })
  return c.json(errorBody(error), error.status, error.headers)
}

/** An error of the schemas' own checks: a body of another type, or no JSON. */
const ofValidator = ({ status, message }: HTTPException): HttpError =>
  new HttpError(status, (status as number) === 415 ? 'E_MEDIA_TYPE' : 'E_BAD_REQUEST', message)
