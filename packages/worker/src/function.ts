import { expose, transfer, wrap } from 'comlink'
import { refuse } from '@sam/core/graph'
import { pack, unpack } from './portable.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a function of any type
export type AnyFunction = (...args: any[]) => unknown

/**
 * Answers the calls that arrive at a port with a function. What it throws arrives there with the class, code and cause
 * of the error.
 */
export function serveFunction(f: AnyFunction, port: MessagePort): void {
  const answer = async (args: unknown): Promise<unknown> => {
    const { value, settled, release } = unpack(args)
    try {
      const result = await f(...(value as unknown[]))
      await settled() // progress arrives before the result
      const reply = pack([result])
      return transfer(reply.value as object, reply.transferables)
    } catch (error) {
      throw pack(error).value
    } finally {
      release()
    }
  }
  expose(answer, port)
}

/**
 * The function at the other end of a port. Arguments are copied when it is called: see {@link pack}. Throws
 * `E_BAD_OPTION` for arguments that cannot be sent.
 */
export function remoteFunction(port: MessagePort): (...args: unknown[]) => Promise<unknown> {
  const remote = wrap<(args: object) => Promise<unknown[]>>(port)
  return async (...args) => {
    const { value, transferables, release } = pack(args)
    try {
      const [result] = unpack(await remote(transfer(value as object, transferables))).value as unknown[]
      return result
    } catch (error) {
      if (error instanceof DOMException && error.name === 'DataCloneError')
        refuse('E_BAD_OPTION', `arguments must be data that can be sent to a worker: ${error.message}`, {
          cause: error
        })
      throw unpack(error).value
    } finally {
      release()
    }
  }
}
