import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { Mask } from '@sam/core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { headers } from '../build/headers.js'
import { launch } from './browser.js'
import { buildSite, openPage, patience, type OpenedPage } from './site.js'
import { serve, type StaticServer } from './static-server.js'

export const app = resolve(import.meta.dirname, '..')
/** Screenshots are written here. */
export const out = resolve(app, '../../out/playground')
export const photo = resolve(app, '../cli/assets/cat.jpg')

export interface OpenedSite extends OpenedPage {
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
  ): Promise<OpenedSite>
}

/** Builds the page and serves it for the tests of this file, which fail on a violation of the policy. */
export function useSite(name: string): Site {
  const folder = resolve(out, `site-${name}`)
  let server: StaticServer
  let isolated: StaticServer
  let browser: Browser
  let withWebGpu: Promise<Browser> | undefined
  beforeAll(async () => {
    mkdirSync(out, { recursive: true })
    await buildSite(folder)
    server = await serve(folder, { 'Content-Security-Policy': headers['Content-Security-Policy'] })
    isolated = await serve(folder, headers)
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await (await withWebGpu)?.close()
    server?.close()
    isolated?.close()
  })
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
    async open(options = {}, { at = server, search = '?backend=wasm&model=tiny', context } = {}) {
      const used = search.includes('backend=webgpu') ? await (withWebGpu ??= launch({ webgpu: true })) : browser
      const opened = await openPage(used, { url: at.url, search, options, context })
      return {
        ...opened,
        shot: async shotName => {
          await opened.page.screenshot({ path: resolve(out, `${shotName}.png`) })
        }
      }
    }
  }
}

export const status = (page: Page, text: RegExp): Promise<void> => page.locator('#status', { hasText: text }).waitFor()

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

/** Positions in the window of positions in the picture. */
export async function onScreen(page: Page): Promise<(x: number, y: number) => [number, number]> {
  const [corner, next] = await page.evaluate(() => {
    const element = document.querySelector('sam-annotator')!
    return [element.toPage([0, 0]), element.toPage([1000, 0])]
  })
  const scale = (next[0] - corner[0]) / 1000
  return (x, y) => [corner[0] + x * scale, corner[1] + y * scale]
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
    .poll(async () => (await objectsOf(page)).filter(({ mask }) => mask).length, { timeout: patience })
    .toBe(before + boxes.length)
}

/** Chooses a format and scope, exports, and reads the file. */
export async function exportFile(
  page: Page,
  format: string,
  scope: 'This object' | 'This picture' | 'All pictures' = 'This picture'
): Promise<{ name: string; bytes: Buffer }> {
  const card = page.locator('.card[data-tab=export]')
  await card.getByLabel('What is exported').selectOption({ label: scope })
  await card.getByLabel('Format').selectOption({ label: format })
  const waiting = page.waitForEvent('download')
  await card.getByRole('button', { name: 'Export', exact: true }).click()
  const file = await waiting
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
}
