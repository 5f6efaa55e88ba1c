/**
 * `@sam/client`: `Sam` on a server of `@sam/server`, with the same methods.
 * @packageDocumentation
 */
export { connectServer, type LocalDecoder, type ServerOptions, type ServerSam } from './connect-server.js'
export type { LocalImage, ServerImage, ServerQueryOptions } from './server-image.js'
