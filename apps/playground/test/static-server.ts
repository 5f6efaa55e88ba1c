import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, sep } from 'node:path'
import { text } from 'node:stream/consumers'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml'
}

export interface StaticServer {
  readonly url: string
  /** Paths of the files that were requested, below the prefix. */
  readonly requested: string[]
  /** Reports of violations of the Content-Security-Policy, by the page and its workers. */
  readonly violations: string[]
  /** Changes what is served of a file, as a damaged copy would. */
  damage?: ((path: string, data: Buffer) => Buffer) | undefined
  close(): void
}

const prefix = '/some/where/'
const report = 'csp-report'

/** Serves a folder under a path prefix with these headers. Browsers report violations of a policy in them. */
export async function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<StaticServer> {
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name === 'Content-Security-Policy' ? `${value}; report-uri ${prefix}${report}` : value
    ])
  )
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname)
    const below = path.slice(prefix.length) || 'index.html'
    if (below === report) {
      text(request).then(
        body => running.violations.push(body),
        () => {}
      )
      return void response.writeHead(204).end()
    }
    running.requested.push(below)
    const file = normalize(join(folder, below))
    const bytes =
      path.startsWith(prefix) && file.startsWith(folder + sep) ? readFile(file) : Promise.reject(new Error('outside'))
    bytes.then(
      read => {
        const data = running.damage?.(below, read) ?? read
        response
          .writeHead(200, {
            ...sent,
            'content-type': types[extname(file)] ?? 'application/octet-stream',
            'content-length': data.length
          })
          .end(data)
      },
      () => response.writeHead(404).end('not found')
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const running: StaticServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    requested: [],
    violations: [],
    close: () => {
      server.close()
    }
  }
  return running
}
