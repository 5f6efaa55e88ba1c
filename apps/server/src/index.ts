/**
 * `@sam/server`: Segment Anything over HTTP, for many users and for annotation tools.
 * @packageDocumentation
 */
export { createServer, type CacheOptions, type Server, type ServerOptions } from './server.js'
export type { BatchOptions } from './encoder.js'
export type { FetchRules } from './fetch-image.js'
export type { Limits } from './limits.js'
export type { ModelOptions } from './model.js'
export type { LabelStudioOptions } from './tools/label-studio.js'
