/**
 * `@sam/worker`: `Sam` in a web worker or a thread of Node, with the same methods.
 * @packageDocumentation
 */
export { connectSam, type ConnectOptions, type RemoteImage, type RemoteSam } from './remote-sam.js'
export { serveSam, type PageOptions } from './serve-sam.js'
export { connect, type Connection, type WorkerLike } from './connect.js'
export { serve, type Scope, type Service } from './serve.js'
