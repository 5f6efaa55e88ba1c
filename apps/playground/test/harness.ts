import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { Mask } from '@sam/core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { fit } from '../../../packages/annotator/src/stage/view.js'
import { headers } from '../build/headers.js'
import config from '../vite.config.js'
import { launch } from './browser.js'
import { serve, type StaticServer } from './static-server.js'

export const app = resolve(import.meta.dirname, '..')
/** Screenshots are written here. */
export const out = resolve(app, '../../out/playground')
export const photo = resolve(app, '../cli/assets/cat.jpg')

export interface OpenedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of the page, and every request to another server. */
  readonly trouble: string[]
  readonly shot: (name: string) => Promise<void>
}

export interface Site {
  /** Sends the policy alone, so WebAssembly has one thread. */
  readonly server: StaticServer
  /** Sends all headers, so WebAssembly has threads. */
  readonly isolated: StaticServer
  readonly folder: string
  open(
    options?: Parameters<Browser['newContext']>[0],
    at?: { at?: StaticServer; search?: string; context?: BrowserContext }
  ): Promise<OpenedPage>
}

/** Builds the page and serves it for the tests of this file, which fail on a violation of the policy. */
export function useSite(name: string): Site {
  const folder = resolve(out, `site-${name}`)
  let server: StaticServer
  let isolated: StaticServer
  let browser: Browser
  beforeAll(async () => {
    mkdirSync(out, { recursive: true })
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
    server = await serve(folder, { 'Content-Security-Policy': headers['Content-Security-Policy'] })
    isolated = await serve(folder, headers)
    browser = await launch()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
    isolated?.close()
  }, 60_000)
  afterEach(() => {
    expect([...server.violations.splice(0), ...isolated.violations.splice(0)]).toEqual([])
  })
  return {
    get server() {
      return server
    },
    get isolated() {
      return isolated
    },
    folder,
    async open(options = {}, { at = server, search = '?backend=wasm&model=tiny', context: given } = {}) {
      const context =
        given ??
        (await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options }))
      const page = await context.newPage()
      const trouble: string[] = []
      page.on('pageerror', error => trouble.push(error.message))
      page.on('console', message => {
        if (message.type() === 'error') trouble.push(message.text())
      })
      page.on('request', request => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(at.url))
          trouble.push(`requested ${request.url()}`)
      })
      page.on('filechooser', () => {}) // intercept choosers from the start, not from the first wait
      await page.goto(at.url + search)
      return {
        page,
        context,
        trouble,
        shot: async shotName => {
          await page.screenshot({ path: resolve(out, `${shotName}.png`) })
        }
      }
    }
  }
}

export const status = (page: Page, text: RegExp): Promise<void> =>
  page.locator('#status', { hasText: text }).waitFor({ timeout: 40_000 })

export async function chooseImages(page: Page, files: string | string[] = photo): Promise<void> {
  const chooser = page.waitForEvent('filechooser')
  await page.locator('.welcome').getByRole('button', { name: 'Choose pictures' }).click()
  await (await chooser).setFiles(files)
  await status(page, /Ready/)
}

export async function openSample(page: Page, name: 'Cat' | 'Coffee' | 'Shapes'): Promise<void> {
  await page.getByRole('button', { name: `Open sample: ${name}` }).click()
  await status(page, /Ready/)
}

/** Positions in the page of positions in the picture, while it is fitted. */
export async function onScreen(
  page: Page,
  picture: { width: number; height: number }
): Promise<(x: number, y: number) => [number, number]> {
  const canvas = (await page.locator('#canvas').boundingBox())!
  const top = await page
    .locator('.bar')
    .evaluateAll(bars => Math.min(...bars.map(bar => bar.getBoundingClientRect().top)))
  const view = fit(picture, canvas, { top: 52, bottom: canvas.y + canvas.height - top + 20, side: 20 })
  return (x, y) => [canvas.x + view.x + x * view.scale, canvas.y + view.y + y * view.scale]
}

export const clickAt = async (page: Page, x: number, y: number, modifiers: 'Shift'[] = []): Promise<void> => {
  const box = (await page.locator('#canvas').boundingBox())!
  await page.locator('#canvas').click({ position: { x: x * box.width, y: y * box.height }, modifiers })
}

/** An object of the picture that is shown, as the page has it. */
export interface PageObject {
  readonly name: string
  readonly mask: Mask | undefined
}

/** The objects of the picture that is shown, with their masks. */
export async function objectsOf(page: Page): Promise<PageObject[]> {
  const found = await page.evaluate(() =>
    document.querySelector('sam-annotator')!.objects.map(({ name, mask }) => ({
      name,
      mask: mask && { width: mask.width, height: mask.height, runs: [...mask.runs] }
    }))
  )
  return found.map(({ name, mask }) => ({
    name,
    mask: mask && new Mask({ width: mask.width, height: mask.height, inside: Int32Array.from(mask.runs) })
  }))
}

/** Adds objects with boxes, in pixels of the picture, and waits for their masks. */
export async function addBoxes(page: Page, boxes: readonly [number, number, number, number][]): Promise<void> {
  const before = (await objectsOf(page)).length
  await page.evaluate(given => {
    for (const box of given) document.querySelector('sam-annotator')!.addBox(box)
  }, boxes)
  await expect
    .poll(async () => (await objectsOf(page)).filter(({ mask }) => mask).length, { timeout: 60_000 })
    .toBe(before + boxes.length)
}

/** Chooses a format and scope, exports, and reads the file. */
export async function exportFile(
  page: Page,
  format: string,
  scope: 'Object' | 'Picture' | 'All pictures' = 'Picture'
): Promise<{ name: string; bytes: Buffer }> {
  const card = page.locator('.card[data-tab=export]')
  await card.getByRole('button', { name: scope, exact: true }).click()
  await card.getByLabel('Format').selectOption({ label: format })
  const waiting = page.waitForEvent('download')
  await card.getByRole('button', { name: 'Export', exact: true }).click()
  const file = await waiting
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
}
