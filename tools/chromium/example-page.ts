/** Pages in the tests of apps/examples and of the client. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { ensureChromium } from './index.js'

const out = resolve(import.meta.dirname, '../../out/examples')

/** Builds the page of a folder of apps/examples from the sources of our packages. Returns the folder of the build. */
export const buildExample = (name: string): Promise<string> =>
  buildPage(resolve(import.meta.dirname, '../../apps/examples', name), resolve(out, name, 'dist'))

/** Builds the page of a folder from the sources of our packages. Returns `outDir`. */
export async function buildPage(root: string, outDir: string): Promise<string> {
  await build({
    root,
    ...(!existsSync(resolve(root, 'vite.config.ts')) && { configFile: false }),
    logLevel: 'error',
    resolve: { conditions: ['@sam/source', 'browser', 'module', 'import', 'default', 'development|production'] },
    build: { outDir, emptyOutDir: true }
  })
  return outDir
}

/** Serves a built page, with the headers that allow WebAssembly several threads. */
export function serveExample(outDir: string): Promise<PreviewServer> {
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
  return preview({ build: { outDir }, preview: { port: 0, host: '127.0.0.1', headers }, logLevel: 'error' })
}

/** Opens a page in Chromium, and closes it after `use`. `trouble`: its errors, and its requests to other servers. */
export async function withPage<T>(url: string, use: (page: Page, trouble: string[]) => Promise<T>): Promise<T> {
  // Without the emulated GPU, on which MobileSAM takes minutes: the page picks WebAssembly.
  const { executablePath, argsWithoutGpu, env } = ensureChromium()
  const browser = await chromium.launch({ executablePath, args: [...argsWithoutGpu], env: { ...process.env, ...env } })
  try {
    const page = await browser.newPage()
    const trouble: string[] = []
    page.on('pageerror', error => trouble.push(error.message))
    page.on('request', request => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(new URL(url).origin))
        trouble.push(request.url())
    })
    await page.goto(url)
    return await use(page, trouble)
  } finally {
    await browser.close()
  }
}

/**
 * Clicks on the coffee in the page's photo. Returns the number of pixels in the mask, as the page says it, and the
 * page's trouble. Writes a screenshot to `out/examples`.
 */
export const clickOnCoffee = (name: string, url: string): Promise<{ area: number; trouble: string[] }> =>
  withPage(url, async (page, trouble) => {
    await page.getByText('Click on the photo.').waitFor({ timeout: 100_000 })
    await page.locator('canvas').click({ position: { x: 290, y: 150 } })
    const said = await page.getByText(/\d+ pixels/).textContent({ timeout: 100_000 })
    await page.screenshot({ path: resolve(out, `${name}.png`) })
    return { area: parseInt(said!), trouble }
  })
