import { resolve } from 'node:path'
import { preview } from 'vite'
import { expect, it } from 'vitest'
import { buildPage, withPage } from '../../../tools/chromium/example-page.js'
import { sam as local, tinyServer } from './tiny-server.js'

interface Result {
  readonly rgba: readonly number[]
  readonly masks: Readonly<Record<string, string>>
  readonly streamed: number
  readonly refused: string
}

it('the client in a page: canvases, bitmaps, pixels, files and addresses give the masks of the SDK', async () => {
  const outDir = resolve(import.meta.dirname, '../../../out/client-page')
  await buildPage(resolve(import.meta.dirname, 'page'), outDir)
  const site = await preview({ build: { outDir }, preview: { port: 0, host: '127.0.0.1' }, logLevel: 'error' })
  const page = new URL(site.resolvedUrls!.local[0])
  const token = 'a-token-of-the-tests'
  const server = await tinyServer({ tokens: [token], corsOrigins: [page.origin] })
  const url = await server.listen({ port: 0 })
  try {
    page.search = String(new URLSearchParams({ server: url, token }))
    const { rgba, masks, streamed, refused } = await withPage(page.href, async (page, trouble) => {
      const handle = await page.waitForFunction(() => (globalThis as { result?: Result }).result, undefined, {
        timeout: 60_000
      })
      expect(trouble.filter(text => !text.startsWith(url))).toEqual([])
      return (await handle.jsonValue())!
    })
    using image = await local.encode({ width: 160, height: 120, data: Uint8Array.from(rgba), channels: 4 })
    const { masks: expected } = await image.predict({ points: [{ x: 75, y: 60 }] })
    expect(expected[0].area).toBeGreaterThan(0)
    const counts = expected[0].toCocoRle().counts
    expect(masks).toEqual({ canvas: counts, bitmap: counts, pixels: counts, file: counts, url: counts })
    expect(streamed).toBeGreaterThan(0)
    expect(refused).toBe('E_BACKEND_FAILED')
  } finally {
    await site.close()
  }
}, 120_000)
