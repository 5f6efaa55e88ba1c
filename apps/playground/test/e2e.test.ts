import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch } from './browser.js'
import { serve } from './static-server.js'

const app = resolve(import.meta.dirname, '..')
const out = resolve(app, '../../out/playground')
const photo = resolve(app, '../cli/assets/cat.jpg')

describe('the playground, built, on a static server, without a network', () => {
  let server: Awaited<ReturnType<typeof serve>>
  let browser: Browser
  beforeAll(async () => {
    mkdirSync(out, { recursive: true })
    await build({ root: app, logLevel: 'error', build: { outDir: resolve(out, 'site'), emptyOutDir: true } })
    server = await serve(resolve(out, 'site'))
    browser = await launch(resolve(out, 'browser'))
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  /** A page that fails the test for anything it logs as an error, and for any request that leaves the server. */
  async function open(options: Parameters<Browser['newContext']>[0] = {}, backend = 'wasm'): Promise<{ page: Page; context: BrowserContext; shot: (name: string) => Promise<void>; trouble: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options })
    const page = await context.newPage()
    const trouble: string[] = []
    page.on('pageerror', error => trouble.push(error.message))
    page.on('console', message => { if (message.type() === 'error') trouble.push(message.text()) })
    page.on('request', request => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url)) trouble.push(`asked for ${request.url()}`) })
    await page.goto(`${server.url}?backend=${backend}`)
    return { page, context, trouble, shot: async name => { await page.screenshot({ path: resolve(out, `${name}.png`) }) } }
  }

  const status = (page: Page, text: RegExp): Promise<void> => page.locator('#status', { hasText: text }).waitFor({ timeout: 40_000 })
  async function choosePicture(page: Page): Promise<void> {
    const chooser = page.waitForEvent('filechooser')
    await page.locator('.welcome').getByRole('button', { name: 'Choose a picture' }).click()
    await (await chooser).setFiles(photo)
    await status(page, /Ready/)
  }
  const clickAt = async (page: Page, x: number, y: number, modifiers: ('Shift')[] = []): Promise<void> => {
    const box = (await page.locator('#canvas').boundingBox())!
    await page.locator('#canvas').click({ position: { x: x * box.width, y: y * box.height }, modifiers })
  }
  async function download(page: Page, name: RegExp): Promise<{ name: string; bytes: Buffer }> {
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name }).click()
    const file = await waiting
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) }
  }

  it('opens a picture, clicks, chooses, refines, undoes, redoes and exports', async () => {
    const { page, context, trouble, shot } = await open()
    await status(page, /Model .* on wasm/)
    await shot('1-welcome-light')
    await choosePicture(page)

    await page.locator('#canvas').hover({ position: { x: 420, y: 330 } })
    await page.waitForTimeout(700)
    await shot('2-hover-light')

    await clickAt(page, 0.45, 0.4)
    await status(page, /3 masks to choose from/)
    const masks = page.getByRole('radio')
    expect(await masks.count()).toBe(3)
    await shot('3-click-light')
    await page.keyboard.press('2')
    expect(await masks.nth(1).isChecked()).toBe(true)

    await clickAt(page, 0.3, 0.3, ['Shift'])
    await status(page, /mask refined/)
    expect(await masks.count()).toBe(1)
    await shot('4-refined-light')

    const undo = page.getByRole('button', { name: 'Undo' })
    const redo = page.getByRole('button', { name: 'Redo' })
    await undo.click()
    expect([await masks.count(), await masks.nth(1).isChecked()]).toEqual([3, true])
    await undo.click()
    expect(await masks.nth(0).isChecked()).toBe(true)
    await undo.click()
    expect(await undo.isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'COCO' }).isDisabled()).toBe(true)
    for (let i = 0; i < 3; i++) await redo.click()
    expect(await redo.isDisabled()).toBe(true)
    expect(await masks.count()).toBe(1)

    await page.getByLabel('Name').fill('the cat <3')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'New object' }).click()
    await page.keyboard.press('b')
    const canvas = (await page.locator('#canvas').boundingBox())!
    await page.mouse.move(canvas.x + canvas.width * 0.55, canvas.y + canvas.height * 0.3)
    await page.mouse.down()
    await page.mouse.move(canvas.x + canvas.width * 0.8, canvas.y + canvas.height * 0.7, { steps: 4 })
    await page.mouse.up()
    await status(page, /Object 2: \d masks/)
    await shot('5-two-objects-light')

    const coco = await download(page, /COCO/)
    const annotations = JSON.parse(coco.bytes.toString()) as { images: object[]; annotations: { area: number; bbox: number[]; segmentation: { size: number[]; counts: string } }[]; categories: object[] }
    expect(coco.name).toBe('cat.json')
    expect(annotations.images).toEqual([{ id: 1, file_name: 'cat.jpg', width: 451, height: 300 }])
    expect(annotations.categories).toEqual([{ id: 1, name: 'the cat <3' }, { id: 2, name: 'Object 2' }])
    expect(annotations.annotations.map(a => a.segmentation.size)).toEqual([[300, 451], [300, 451]])
    expect(annotations.annotations.every(a => a.area > 0 && a.segmentation.counts.length > 0)).toBe(true)

    const svg = (await download(page, /Outlines/)).bytes.toString()
    const parsed = await page.evaluate(text => {
      const xml = new DOMParser().parseFromString(text, 'image/svg+xml')
      return [xml.querySelector('parsererror')?.textContent, xml.documentElement.getAttribute('viewBox'), [...xml.querySelectorAll('path title')].map(t => t.textContent)]
    }, svg)
    expect(parsed).toEqual([undefined, '0 0 451 300', ['the cat <3', 'Object 2']])

    const png = await download(page, /Cut-out/)
    expect(png.name).toBe('cat-Object 2.png')
    const size = await page.evaluate(async bytes => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }))
      return [bitmap.width, bitmap.height]
    }, [...png.bytes])
    expect(size).toEqual(annotations.annotations[1].bbox.slice(2))

    expect(trouble).toEqual([])
    await context.close()
  }, 90_000)
})
