/** The browser's side of the tests of apps/examples. */
import { resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { ensureChromium } from './index.js'

const out = resolve(import.meta.dirname, '../../out/examples')

/** Builds the page of a folder of apps/examples from the sources of our packages. Returns the folder of the build. */
export async function buildExample(name: string): Promise<string> {
  const outDir = resolve(out, name, 'dist')
  await build({
    root: resolve(import.meta.dirname, '../../apps/examples', name),
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

/**
 * Clicks on the coffee in the page's photo. Returns the number of pixels in the mask, as the page says it, and errors
 * and requests to other servers. Writes a screenshot to `out/examples`.
 */
export async function clickOnCoffee(name: string, url: string): Promise<{ area: number; trouble: string[] }> {
  // Without the emulated GPU, on which MobileSAM takes minutes: the page picks WebAssembly.
  const { executablePath, env } = ensureChromium()
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
  const browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env } })
  try {
    const page = await browser.newPage()
    const trouble: string[] = []
    page.on('pageerror', error => trouble.push(error.message))
    page.on('request', request => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) trouble.push(request.url())
    })
    await page.goto(url)
    await page.getByText('Click on the photo.').waitFor({ timeout: 100_000 })
    await page.locator('canvas').click({ position: { x: 290, y: 150 } })
    const said = await page.getByText(/\d+ pixels/).textContent({ timeout: 100_000 })
    await page.screenshot({ path: resolve(out, `${name}.png`) })
    return { area: parseInt(said!), trouble }
  } finally {
    await browser.close()
  }
}
