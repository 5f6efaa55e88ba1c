import { cpu } from '@sam/backend-cpu'
import { loadSam, type Sam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import { createServer, type Server, type ServerOptions } from '@sam/server'

/** The token of the servers. */
export const token = 'the-token-of-this-verification'

/** MobileSAM on the CPU, and servers with it, which print the requests that they refuse. */
export interface ServedSam {
  readonly sam: Sam
  /** Starts a server. Default port: a free one. */
  readonly start: (
    options?: Omit<ServerOptions, 'models' | 'tokens' | 'log'>,
    port?: number
  ) => Promise<{ readonly server: Server; readonly url: string }>
}

export async function servedSam(): Promise<ServedSam> {
  const backend = await cpu()
  const { weights } = await mobileModel()
  const sam = await loadSam({ weights, backend })
  return {
    sam,
    async start(options = {}, port = 0) {
      const server = await createServer({
        ...options,
        models: { mobile_sam: { sam, device: backend.name } },
        tokens: [token],
        log: { write: line => void (/"status":[45]/.test(line) && console.log(line.trim())) }
      })
      return { server, url: await server.listen({ port }) }
    }
  }
}
