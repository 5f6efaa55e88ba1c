import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Bitmap } from '@sam/core'
import { decodeRle, type CocoRle } from '@sam/core/model'
import { describe, expect, it } from 'vitest'
import { app, chooseImages, clickAt, exportFile, onScreen, openSample, out, photo, status, useSite } from './harness.js'

type Position = readonly [x: number, y: number]
/** Whether a pixel, given by its centre in image pixels, belongs to a region. */
type Region = (x: number, y: number) => boolean

const ellipse =
  ([cx, cy]: Position, [rx, ry]: Position): Region =>
  (x, y) =>
    ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1

const saucer = ellipse([278, 232], [201, 157])
const rim = ellipse([290, 113], [118, 95])

/** The coffee sample, with ellipses drawn around its objects by hand. */
const coffee = {
  cupAndSaucer: ((x, y) => saucer(x, y) || rim(x, y)) satisfies Region,
  surface: ellipse([286, 144], [84, 50]),
  bowlOfSpoon: ellipse([366, 284], [40, 42])
}

function iou({ data, width, height }: Bitmap, region: Region): number {
  let [intersection, union] = [0, 0]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [found, wanted] = [data[y * width + x] > 0, region(x + 0.5, y + 0.5)]
      intersection += Number(found && wanted)
      union += Number(found || wanted)
    }
  return intersection / union
}

const site = useSite('e2e')

describe('playground, built and served statically', () => {
  it('segments a photo with MobileSAM: click, second click, box; and says that it has no text prompts', async () => {
    const { page, context, trouble, shot } = await site.open({}, { at: site.isolated, search: '?backend=wasm' })
    await status(page, /Model MobileSAM on WebAssembly/)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    await openSample(page, 'Coffee')
    const at = await onScreen(page)
    const masks = async (): Promise<Bitmap[]> => {
      const { bytes } = await exportFile(page, 'COCO')
      const { annotations } = JSON.parse(bytes.toString()) as { annotations: { segmentation: CocoRle }[] }
      return annotations.map(({ segmentation }) => decodeRle(segmentation))
    }

    await page.mouse.click(...at(290, 150))
    await status(page, /3 masks/)
    await shot('16-photo-click')
    expect(iou((await masks())[0], coffee.cupAndSaucer)).toBeGreaterThan(0.92)

    await page.keyboard.press('x')
    await page.mouse.click(...at(290, 70))
    await status(page, /mask refined/)
    await shot('17-photo-second-click')
    expect(iou((await masks())[0], coffee.surface)).toBeGreaterThan(0.88)

    await page.keyboard.press('n')
    await page.keyboard.press('b')
    await page.mouse.move(...at(318, 232))
    await page.mouse.down()
    await page.mouse.move(...at(410, 330), { steps: 4 })
    await page.mouse.up()
    await status(page, /Object 2: 1 of \d masks/)
    await shot('18-photo-box')
    expect(iou((await masks())[1], coffee.bowlOfSpoon)).toBeGreaterThan(0.8)

    await page.keyboard.press('t')
    await page.keyboard.type('a red star')
    await page.keyboard.press('Enter')
    await page.getByText('MobileSAM does not search for phrases').waitFor()
    await shot('19-photo-phrase')
    await page.getByRole('button', { name: 'Use the tiny model' }).click()
    await status(page, /“a red star”/)
    expect(await page.getByText('does not search for phrases').isVisible()).toBe(false)
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('downloads MobileSAM once with progress in megabytes, and refuses a damaged copy', async () => {
    const files = (): string[] => site.server.requested.filter(path => /mobile_sam/.test(path))
    site.server.requested.length = 0
    site.server.damage = (path, data) => {
      if (/mobile_sam/.test(path)) data[data.length >> 1] ^= 1
      return data
    }
    const { page, context, trouble, shot } = await site.open({}, { search: '?backend=wasm' })
    await page.getByRole('alert').getByText('MobileSAM: must have the SHA-256').waitFor()
    site.server.damage = (path, data) => (/mobile_sam/.test(path) ? data.subarray(1000) : data)
    await page.reload()
    await page
      .getByRole('alert')
      .getByText(/MobileSAM: must have \d+ bytes/)
      .waitFor()
    await shot('20-damaged')
    expect(files()).toHaveLength(2)

    site.server.damage = undefined
    await context.addInitScript(() => {
      const texts: string[] = ((window as unknown as { texts: string[] }).texts = [])
      new MutationObserver(() => {
        const text = document.querySelector('.busy span')?.textContent
        if (text) texts.push(text)
      }).observe(document, { subtree: true, childList: true, characterData: true })
    })
    await page.reload()
    await status(page, /Model MobileSAM/)
    const texts = () => page.evaluate(() => (window as unknown as { texts: string[] }).texts)
    expect(
      new Set((await texts()).filter(t => /^Downloading the model · [\d.]+ of 19\.6 MB$/.test(t))).size
    ).toBeGreaterThan(3)
    await page.reload()
    await status(page, /Model MobileSAM/)
    expect(await page.locator('.model small').textContent()).toMatch(/· stored$/)
    expect((await texts()).filter(t => /Downloading/.test(t))).toEqual([])
    expect(files()).toHaveLength(3)

    await page.locator('.model').click()
    await page.getByRole('button', { name: 'Remove MobileSAM from this device' }).waitFor()
    await shot('21-models')
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('blocks and reports requests of the page and its worker to other servers', async () => {
    const { page, context } = await site.open()
    await status(page, /Model/)
    const isBlocked = (): Promise<boolean> =>
      fetch('data:,outside').then(
        () => false,
        () => true
      )
    for (const blocked of [() => page.evaluate(isBlocked), () => page.workers()[0].evaluate(isBlocked)]) {
      expect(await blocked()).toBe(true)
      await expect.poll(() => site.server.violations.length).toBe(1)
      expect(site.server.violations.pop()).toContain('connect-src')
    }

    await page.locator('.model').click()
    await page.getByLabel('Model URL').fill(`${site.isolated.url}model.pth`)
    await page.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByRole('alert').getByText('Content-Security-Policy').waitFor()
    expect(site.isolated.requested).not.toContain('model.pth')
    await expect.poll(() => site.server.violations.length).toBe(1)
    expect(site.server.violations.pop()).toContain('model.pth')
    await context.close()
  }, 120_000)

  it('opens an image, clicks, chooses, refines, undoes, redoes and exports', async () => {
    const { page, context, trouble, shot } = await site.open()
    await status(page, /Model .* on WebAssembly/)
    await shot('1-welcome-light')
    await chooseImages(page)

    await page.locator('#canvas').hover({ position: { x: 420, y: 330 } })
    await page.waitForTimeout(700)
    await shot('2-hover-light')

    await clickAt(page, 0.45, 0.4)
    await status(page, /3 masks/)
    const masks = page.getByRole('radio')
    expect(await masks.count()).toBe(3)
    await shot('3-click-light')
    await page.keyboard.press('2')
    await expect.poll(() => masks.nth(1).isChecked()).toBe(true)

    await clickAt(page, 0.3, 0.3, ['Shift'])
    await status(page, /mask refined/)
    expect(await masks.count()).toBe(0) // one mask is no choice
    await page
      .locator('.object-editor')
      .getByText(/^model’s own estimate \d+%$/)
      .waitFor()
    await shot('4-refined-light')

    const undo = page.getByRole('button', { name: 'Undo' })
    const redo = page.getByRole('button', { name: 'Redo' })
    await undo.click()
    await expect.poll(() => masks.count()).toBe(3)
    expect(await masks.nth(1).isChecked()).toBe(true)
    await undo.click()
    await expect.poll(() => masks.nth(0).isChecked()).toBe(true)
    await undo.click()
    await expect.poll(() => masks.count()).toBe(0)
    expect(await page.locator('.card').getByRole('button', { name: 'Export', exact: true }).isDisabled()).toBe(true)
    for (let i = 0; i < 3; i++) await redo.click()
    await expect.poll(() => redo.isDisabled()).toBe(true)
    expect(await masks.count()).toBe(0)

    await page.getByLabel('Name', { exact: true }).fill('the cat <3')
    await page.keyboard.press('Enter')
    await page.keyboard.press('n')
    await page.keyboard.press('b')
    const canvas = (await page.locator('#canvas').boundingBox())!
    await page.mouse.move(canvas.x + canvas.width * 0.55, canvas.y + canvas.height * 0.3)
    await page.mouse.down()
    await page.mouse.move(canvas.x + canvas.width * 0.8, canvas.y + canvas.height * 0.7, { steps: 4 })
    await page.mouse.up()
    await status(page, /Object 2: 1 of \d masks/)
    await shot('5-two-objects-light')

    const coco = await exportFile(page, 'COCO')
    const annotations = JSON.parse(coco.bytes.toString()) as { images: object[]; categories: object[] }
    expect(coco.name).toBe('annotations.json')
    expect(annotations.images).toEqual([{ id: 1, file_name: 'cat.jpg', width: 451, height: 300 }])
    expect(annotations.categories).toEqual([
      { id: 1, name: 'the cat <3' },
      { id: 2, name: 'object' }
    ])

    const svg = (await exportFile(page, 'SVG')).bytes.toString()
    const parsed = await page.evaluate(text => {
      const xml = new DOMParser().parseFromString(text, 'image/svg+xml')
      return [
        xml.querySelector('parsererror')?.textContent,
        xml.documentElement.getAttribute('viewBox'),
        [...xml.querySelectorAll('path title')].map(t => t.textContent)
      ]
    }, svg)
    expect(parsed).toEqual([undefined, '0 0 451 300', ['the cat <3', 'object']])
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('supports touch on a phone in dark mode, on WebGPU', async () => {
    const { page, context, trouble, shot } = await site.open(
      {
        viewport: { width: 390, height: 844 },
        deviceScaleFactor: 2,
        colorScheme: 'dark',
        hasTouch: true,
        isMobile: true
      },
      { search: '?backend=webgpu&model=tiny' }
    )
    await status(page, /Model .* on WebGPU/)
    await shot('6-welcome-phone-dark')
    await page.getByRole('button', { name: 'Open sample: Coffee' }).tap()
    await status(page, /Ready/)
    const box = (await page.locator('#canvas').boundingBox())!
    await page.touchscreen.tap(box.x + box.width * 0.5, box.y + box.height * 0.4)
    await status(page, /3 masks/)
    await shot('7-click-phone-dark')
    await page.getByRole('button', { name: 'Exclude' }).tap()
    await page.touchscreen.tap(box.x + box.width * 0.3, box.y + box.height * 0.35)
    await status(page, /mask refined/)
    await page.getByRole('button', { name: 'Brush' }).tap()
    await page.getByRole('slider', { name: 'Brush size' }).waitFor()
    await page.getByRole('navigation').getByRole('button', { name: 'More' }).tap()
    await page.getByRole('button', { name: 'Light colours' }).tap()
    await page.waitForTimeout(300) // colour transition
    await shot('8-brush-phone-light')
    expect(await page.locator('html').getAttribute('data-theme')).toBe('light')
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('supports the brush, and keyboard-only use', async () => {
    const { page, context, trouble, shot } = await site.open({ colorScheme: 'dark' })
    await status(page, /Model/)
    await page.getByRole('button', { name: 'Choose pictures' }).focus()
    const chooser = page.waitForEvent('filechooser')
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(photo)
    await status(page, /Ready/)
    await page.locator('#canvas').focus()
    for (const key of ['ArrowRight', 'Shift+ArrowDown']) await page.keyboard.press(key)
    await shot('9-cross-dark')
    await page.keyboard.press('Enter')
    await status(page, /Object 1: 1 of 3 masks/)
    for (const key of ['Shift+ArrowLeft', 'Shift+ArrowLeft', 'Shift+Enter']) await page.keyboard.press(key)
    await status(page, /mask refined/)
    await page.keyboard.press('n')
    await page.keyboard.press('m')
    const box = (await page.locator('#canvas').boundingBox())!
    await page.mouse.move(box.x + 300, box.y + 250)
    await page.mouse.down()
    await page.mouse.move(box.x + 420, box.y + 300, { steps: 5 })
    await shot('10-painting-dark')
    await page.mouse.up()
    await status(page, /Object 2: 1 of \d masks/)
    await page.getByRole('button', { name: 'Keyboard' }).click()
    await shot('11-keys-dark')
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('loads a model from a file, folder or URL, stores it atomically, and reopens it on the next visit', async () => {
    const { page, context, trouble, shot } = await site.open()
    await status(page, /Model Tiny\b/)
    const note = page.locator('.model small')
    const picker = page.locator('dialog[open]')
    const choose = page.locator('.model')

    const chooser = page.waitForEvent('filechooser')
    await choose.click()
    await picker.getByRole('button', { name: /Open a file/ }).click()
    await (await chooser).setFiles(resolve(app, '../../packages/model-tiny/model/sam-tiny.safetensors'))
    await note.getByText(/· stored$/).waitFor()

    const visitAgain = () => page.goto(`${site.server.url}?backend=wasm`)
    await visitAgain()
    await note.getByText(/· stored$/).waitFor()

    const folder = resolve(out, 'sam-from-a-folder')
    mkdirSync(folder, { recursive: true })
    writeFileSync(resolve(folder, 'config.json'), '{"model_type":"sam"}')
    copyFileSync(
      resolve(app, '../../packages/model-tiny/model/sam-tiny.safetensors'),
      resolve(folder, 'model.safetensors')
    )
    const folderChooser = page.waitForEvent('filechooser')
    await choose.click()
    await picker.getByRole('button', { name: /Open a folder/ }).click()
    await (await folderChooser).setFiles(folder)
    await page.locator('.busy').waitFor({ state: 'hidden' })
    await choose.click()
    await picker.getByRole('button', { name: 'Remove sam-from-a-folder.safetensors from this device' }).click()
    const rows = picker.getByRole('list', { name: 'Models on this device' }).getByRole('listitem')
    await expect.poll(() => rows.count()).toBe(1)
    await page.keyboard.press('Escape')

    const load = async (address: string): Promise<void> => {
      await choose.click()
      await picker.getByLabel('Model URL').fill(address)
      await picker.getByRole('button', { name: 'Load', exact: true }).click()
    }
    const [asset] = readdirSync(resolve(site.folder, 'assets')).filter(name => /^sam-.*\.safetensors$/.test(name))
    await load(`assets/${asset}#sha256=${'0'.repeat(64)}`)
    await page.getByRole('alert').getByText('must have the SHA-256').waitFor()
    await shot('12-alert-light')
    await load('assets/nothing.pth')
    await page.getByRole('alert').getByText('responded 404').waitFor()
    await load(`assets/${asset}`)
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    await page.locator('#stage:not([data-state=busy])').waitFor()
    await choose.click()
    await rows.nth(1).waitFor()
    await shot('13-models-light')
    expect(await rows.count()).toBe(2)
    for (const left of [1, 0]) {
      await rows
        .first()
        .getByRole('button', { name: /Remove/ })
        .click()
      await expect.poll(() => rows.count()).toBe(left)
    }
    const files = (): Promise<string[]> =>
      page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models')
        const names: string[] = []
        for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name)
        return names
      })
    // The file of the model in use is removed when the model is disposed.
    expect(await files()).toHaveLength(2)
    await picker.getByRole('button', { name: /^Tiny/ }).click()
    await expect.poll(files, { timeout: 20_000 }).toEqual(['index.json'])
    await visitAgain()
    await status(page, /Model Tiny\b/)
    expect(await note.textContent()).not.toContain('stored')
    expect(trouble.filter(t => !/404/.test(t))).toEqual([])
    await context.close()
  }, 120_000)

  it('opens images that are dropped, pasted or photographed, and reports files it cannot decode', async () => {
    const { page, context, trouble } = await site.open()
    await status(page, /Model/)
    const give = (how: 'drop' | 'paste', name: string, type: string, bytes: number[]): Promise<void> =>
      page.evaluate(
        ([how, name, type, bytes]) => {
          const data = new DataTransfer()
          data.items.add(new File([new Uint8Array(bytes)], name, { type }))
          dispatchEvent(
            how === 'drop'
              ? new DragEvent('drop', { dataTransfer: data, cancelable: true })
              : new ClipboardEvent('paste', { clipboardData: data, cancelable: true })
          )
        },
        [how, name, type, bytes] as const
      )
    await give('drop', 'dropped.jpg', 'image/jpeg', [...readFileSync(photo)])
    await status(page, /dropped.jpg encoded in/)
    await give('paste', 'broken.png', 'image/png', [1, 2, 3])
    await page.getByRole('alert').getByText('broken.png cannot be decoded as an image').waitFor()
    await give('drop', 'notes.txt', 'text/plain', [65])
    await page.getByRole('alert').getByText('no picture, no project').waitFor()
    await page.getByRole('button', { name: 'Camera' }).click()
    const shutter = page.getByRole('button', { name: 'Take photo' })
    await shutter.click()
    await status(page, /photo.jpg encoded in/)
    expect(await shutter.count()).toBe(0)
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})
