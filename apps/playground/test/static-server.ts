import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, sep } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml'
}

/** Serves a folder under a path prefix, as any static host would: without special headers. */
export async function serve(folder: string, prefix = '/some/where/'): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname)
    const file = normalize(join(folder, path.slice(prefix.length) || 'index.html'))
    const bytes =
      path.startsWith(prefix) && file.startsWith(folder + sep) ? readFile(file) : Promise.reject(new Error('outside'))
    bytes.then(
      data =>
        response
          .writeHead(200, {
            'content-type': types[extname(file)] ?? 'application/octet-stream',
            'content-length': data.length
          })
          .end(data),
      () => response.writeHead(404).end('not found')
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    close: () => {
      server.close()
    }
  }
}
