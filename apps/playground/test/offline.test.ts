import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { headers } from '../build/headers.js'
import { offlineFiles, type OfflineFiles } from '../build/offline.js'
import { objectsOf, clickAt, openSample, status, useSite } from './harness.js'
import { serve } from './static-server.js'

const site = useSite('offline')

/** The files that the service worker stores with the first visit. */
function shellOf(folder: string): readonly string[] {
  const script = readFileSync(resolve(folder, 'service-worker.js'), 'utf8')
  return (JSON.parse(/^const FILES = (.*);$/m.exec(script)![1]) as OfflineFiles).shell
}

it('works on the second visit without the server, and downloads the text encoder with the first phrase only', async () => {
  const server = await serve(site.folder, headers)
  const first = await site.open({}, { at: server, search: '?backend=wasm&model=tiny' })
  await status(first.page, /Model Tiny/)
  await openSample(first.page, 'Shapes')
  const isOfText = (path: string): boolean => /model-.*\.safetensors|tokenizer/.test(path)
  expect(server.requested.filter(isOfText)).toEqual([])
  await first.page.getByLabel('Find by a phrase').fill('a green polygon')
  await first.page.keyboard.press('Enter')
  await status(first.page, /a green polygon.*added/)
  expect(server.requested.filter(isOfText)).toHaveLength(2)
  // The service worker stores what was loaded before it was there.
  const stored = (): Promise<string[]> =>
    first.page.evaluate(async () => {
      const [name] = await caches.keys()
      return name ? (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname) : []
    })
  await expect.poll(async () => (await stored()).some(url => url.endsWith('.wasm')), { timeout: 30_000 }).toBe(true)
  await expect.poll(async () => (await stored()).filter(isOfText).length, { timeout: 30_000 }).toBe(2)
  await expect.poll(async () => (await stored()).some(url => /sam-tiny/.test(url)), { timeout: 30_000 }).toBe(true)
  // Leaving the page asks nothing when all is stored.
  const isSaved = (): boolean => dispatchEvent(new Event('beforeunload', { cancelable: true }))
  await expect.poll(() => first.page.evaluate(isSaved), { timeout: 30_000 }).toBe(true)
  await first.page.close()
  const before = server.requested.length
  server.close()

  const second = await site.open({}, { at: server, context: first.context })
  await status(second.page, /Ready/) // the picture of the first visit
  expect(await second.page.evaluate(() => crossOriginIsolated)).toBe(true)
  const objects = (await objectsOf(second.page)).length
  expect(objects).toBeGreaterThan(0)
  await second.page.keyboard.press('n')
  await clickAt(second.page, 0.5, 0.5)
  await status(second.page, /3 masks|selected/)
  await second.page.getByLabel('Find by a phrase').fill('a red star')
  await second.page.keyboard.press('Enter')
  await status(second.page, /a red star/)
  expect(server.requested).toHaveLength(before)
  expect([...first.trouble, ...second.trouble].filter(text => !/ERR_CONNECTION_REFUSED/.test(text))).toEqual([])
  await first.context.close()
}, 180_000)

it('downloads nothing twice on the first visit, where the HTTP cache keeps nothing', async () => {
  const server = await serve(site.folder, { ...headers, 'Cache-Control': 'no-store' })
  const { page, context, trouble } = await site.open({}, { at: server, search: '?backend=wasm' })
  await status(page, /Model MobileSAM/)
  const shell = shellOf(site.folder)
  await expect
    .poll(
      () =>
        page.evaluate(async () => {
          const [name] = await caches.keys()
          return (await (await caches.open(name)).keys()).map(({ url }) => url)
        }),
      { timeout: 30_000 }
    )
    .toEqual(expect.arrayContaining(shell.map(path => server.url + path)))
  const seen = new Set<string>()
  const twice = new Set(server.requested.filter(path => seen.size === seen.add(path).size))
  // Before the service worker answers, the page and its first script are loaded. The browser checks for a newer worker.
  const html = readFileSync(resolve(site.folder, 'index.html'), 'utf8')
  const [first] = html.match(/assets\/[^"]+\.js/g)!
  twice.delete('service-worker.js')
  expect([...twice].sort()).toEqual([first, 'index.html'])
  expect(readFileSync(resolve(site.folder, first)).length).toBeLessThan(4000)
  expect(trouble).toEqual([])
  await context.close()
  server.close()
}, 180_000)

it('opens MobileSAM of the first visit without the server', async () => {
  const server = await serve(site.folder, headers)
  const first = await site.open({}, { at: server, search: '?backend=wasm' })
  await status(first.page, /Model MobileSAM/)
  await expect
    .poll(
      () =>
        first.page.evaluate(async () => {
          const [name] = await caches.keys()
          return name ? (await (await caches.open(name)).keys()).some(({ url }) => url.endsWith('.wasm')) : false
        }),
      { timeout: 30_000 }
    )
    .toBe(true)
  expect(server.requested.filter(path => /mobile_sam/.test(path))).toHaveLength(1)
  await first.page.close()
  server.close()
  const second = await site.open({}, { at: server, search: '?backend=wasm', context: first.context })
  await status(second.page, /Model MobileSAM/)
  await openSample(second.page, 'Coffee')
  await first.context.close()
}, 180_000)

it('offlineFiles: lists what a visit needs, leaves out stored models, and has another version for other content', () => {
  const files = [
    { fileName: 'index.html', content: 'a' },
    { fileName: 'assets/x-1.js', content: 'b' },
    { fileName: 'assets/ort-1.wasm', content: 'c' },
    { fileName: 'assets/mobile_sam-1.safetensors', content: 'd' },
    { fileName: '_headers', content: 'e' }
  ]
  const { version, shell, onUse } = offlineFiles(files)
  expect({ shell, onUse }).toEqual({ shell: ['assets/x-1.js', 'index.html'], onUse: ['assets/ort-1.wasm'] })
  expect(offlineFiles([...files].reverse()).version).toBe(version)
  expect(offlineFiles([{ ...files[0], content: 'A' }, ...files.slice(1)]).version).not.toBe(version)
  const built = readFileSync(resolve(site.folder, 'service-worker.js'), 'utf8')
  expect(built).toContain('"index.html"')
  expect(built).not.toMatch(/^(?:import|export) /m)
})
