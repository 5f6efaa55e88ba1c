import { resolve } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import { vi } from 'vitest'
import config from '../vite.config.js'

const app = resolve(import.meta.dirname, '..')

/** Builds the page into a folder. */
export async function buildSite(folder: string): Promise<void> {
  // Vitest sets it to `test`, for which Vite would build a page for development.
  vi.stubEnv('NODE_ENV', 'production')
  // The configuration is imported, not read by Vite, so that its plugins run from source.
  await build({
    ...config,
    configFile: false,
    root: app,
    logLevel: 'error',
    build: { ...config.build, outDir: folder }
  })
  vi.unstubAllEnvs()
}

/** How long a page may take for one step, in milliseconds: no test depends on the speed of the machine. */
export const patience = 120_000

/** A page, and what went wrong on it: errors, and every request to another server. */
export interface OpenedPage {
  readonly page: Page
  readonly context: BrowserContext
  readonly trouble: string[]
}

/** Opens an address below `url`. */
export async function openPage(
  browser: Browser,
  {
    url,
    search,
    options = {},
    context: given
  }: {
    url: string
    search: string
    options?: Parameters<Browser['newContext']>[0]
    /** Another visit of the same browser. Default: a new one, with `options`. */
    context?: BrowserContext | undefined
  }
): Promise<OpenedPage> {
  const context =
    given ?? (await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options }))
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const trouble: string[] = []
  page.on('pageerror', error => trouble.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') trouble.push(message.text())
  })
  page.on('request', request => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url))
      trouble.push(`requested ${request.url()}`)
  })
  page.on('filechooser', () => {}) // intercept choosers from the start, not from the first wait
  await page.goto(url + search)
  return { page, context, trouble }
}
