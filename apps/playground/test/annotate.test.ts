/** An hour of an annotator's work in minutes: in the built page, with MobileSAM, by mouse and keys alone. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { decodeRle, type CocoRle } from '@sam/core/model'
import { addPictures, emptyProject, type SamAnnotatorElement } from '@sam/annotator'
import { writeProjectFile } from '@sam/annotator/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { headers } from '../build/headers.js'
import { launch } from './browser.js'
import { exportFile, onScreen, status } from './harness.js'
import { buildSite, openPage } from './site.js'
import { serve, type StaticServer } from './static-server.js'

const out = resolve(import.meta.dirname, '../../../out/playground-annotate')
const assets = resolve(import.meta.dirname, '../../cli/assets')
const photos = ['coffee.jpg', 'cat.jpg', 'scene.jpg'].map(name => resolve(assets, name))

/** What the page shows, read from its public element. */
interface Read {
  readonly id: number
  readonly name: string
  readonly area: number
  readonly runs: readonly number[]
  readonly points: number
  readonly box: readonly number[] | undefined
  readonly strokes: number
  readonly score: number | undefined
}

let server: StaticServer
let browser: Browser
beforeAll(async () => {
  mkdirSync(out, { recursive: true })
  await buildSite(resolve(out, 'site'))
  server = await serve(resolve(out, 'site'), headers)
  browser = await launch()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  server?.close()
}, 60_000)

/** The objects of each picture, with the masks as they are exported. */
const read = (page: Page): Promise<{ name: string; objects: Read[]; size: [number, number] }[]> =>
  page.evaluate(() => {
    const { annotator } = document.querySelector<SamAnnotatorElement>('sam-annotator')!
    return annotator.project.pictures.map(picture => ({
      name: picture.name,
      size: [picture.width, picture.height] as [number, number],
      objects: annotator.masked(picture).map(({ object, mask }) => ({
        id: object.id,
        name: object.name,
        area: mask.area,
        runs: [...mask.runs],
        points: object.prompts.points.length,
        box: object.prompts.box,
        strokes: object.strokes.length,
        score: object.score
      }))
    }))
  })
const shown = async (page: Page): Promise<Read[]> => {
  const name = await page.evaluate(
    () => document.querySelector<SamAnnotatorElement>('sam-annotator')!.annotator.picture!.name
  )
  return (await read(page)).find(picture => picture.name === name)!.objects
}

async function drag(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  await page.mouse.move(...from)
  await page.mouse.down()
  await page.mouse.move(...to, { steps: 6 })
  await page.mouse.up()
}
async function dropFiles(page: Page, paths: readonly string[]): Promise<void> {
  const files = paths.map(path => ({ name: path.split('/').at(-1)!, bytes: [...readFileSync(path)] }))
  await page.evaluate(given => {
    const data = new DataTransfer()
    for (const { name, bytes } of given)
      data.items.add(
        new File([new Uint8Array(bytes)], name, { type: name.endsWith('.zip') ? 'application/zip' : 'image/jpeg' })
      )
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }))
  }, files)
}
describe('an annotator', () => {
  it('marks ten objects in three photos, and loses none of them', async () => {
    const { page, context, trouble } = await openPage(browser, { url: server.url, search: '?backend=wasm' })
    await status(page, /Model MobileSAM/)
    await dropFiles(page, photos)
    await status(page, /coffee.jpg encoded/)
    let at = await onScreen(page)

    // The cup by a click and a correction, with a hand that trembles by 5 pixels.
    const [cx, cy] = at(290, 150)
    await page.mouse.move(cx, cy)
    await page.mouse.down()
    await page.mouse.move(cx + 4, cy + 3)
    await page.mouse.up()
    await status(page, /3 masks/)
    expect(await shown(page)).toMatchObject([{ points: 1, box: undefined }])
    await page.mouse.click(...at(290, 70), { button: 'right' })
    await status(page, /mask refined/)
    expect((await shown(page))[0].points).toBe(2)

    // The bowl of the spoon by a box, whose corner is then dragged.
    await page.keyboard.press('b')
    await drag(page, at(318, 232), at(400, 320))
    await status(page, /Object 2: 1 of \d masks/)
    await drag(page, at(400, 320), at(410, 330))
    await expect
      .poll(async () => (await shown(page))[1]?.box?.map(Math.round), { timeout: 20_000 })
      .toEqual([318, 232, 410, 330])

    // The saucer by the brush alone, five times: never empty, and what is painted is in it.
    for (const [i, [x0, y0, x1, y1]] of [
      [110, 240, 190, 320],
      [150, 200, 180, 340],
      [120, 280, 240, 350],
      [100, 220, 130, 290],
      [200, 330, 330, 360]
    ].entries()) {
      await page.keyboard.press('n')
      await page.keyboard.press('m')
      await drag(page, at(x0, y0), at(x1, y1))
      await status(page, new RegExp(`Object ${3 + i}: 1 of 3 masks`))
      const painted = (await shown(page))[2 + i]
      expect(painted.area).toBeGreaterThan(1000)
      expect(hits(painted, (x0 + x1) / 2, (y0 + y1) / 2)).toBe(true)
    }
    // What is erased stays erased after a further point.
    await page.keyboard.press('e')
    await drag(page, at(210, 332), at(240, 338))
    await page.keyboard.press('p')
    await page.keyboard.down('Alt')
    await page.mouse.click(...at(320, 352))
    await page.keyboard.up('Alt')
    await status(page, /Object 7: mask refined/)
    expect(hits((await shown(page)).at(-1)!, 225, 335)).toBe(false)

    // The second photo: a click on a finished mask selects it.
    await page.keyboard.press('PageDown')
    await status(page, /cat.jpg encoded/)
    at = await onScreen(page)
    await page.keyboard.press('p')
    await page.mouse.click(...at(225, 150))
    await status(page, /3 masks/)
    await page.keyboard.press('n')
    await page.keyboard.press('b')
    await drag(page, at(20, 20), at(120, 100))
    await status(page, /Object 2: 1 of \d masks/)
    const [cat] = await shown(page)
    await page.keyboard.press('p')
    await page.mouse.click(...at(...inside(cat)))
    await status(page, /Object 1 selected/)

    // The third: everything, of which two are kept; then undo and redo across the photos.
    await page.keyboard.press('PageDown')
    await status(page, /scene.jpg encoded/)
    const kept = await page.evaluate(async () => {
      const { annotator } = document.querySelector<SamAnnotatorElement>('sam-annotator')!
      await annotator.generate({ pointsPerSide: 8 })
      annotator.pick(annotator.suggestions().slice(0, 2))
      return annotator.picture!.objects.length
    })
    expect(kept).toBe(2)
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Control+z')
    expect(await page.evaluate(() => document.querySelector('sam-annotator')!.annotator.picture!.name)).toBe('cat.jpg')
    await page.keyboard.press('Control+Shift+z')
    await page.keyboard.press('Control+Shift+z')

    const before = await read(page)
    expect(before.map(({ objects }) => objects.length)).toEqual([7, 2, 2])
    expect(before.flatMap(({ objects }) => objects).every(({ area }) => area > 0)).toBe(true)
    await page.screenshot({ path: resolve(out, '1-annotated.png') })

    // A reload keeps every picture, object and mask, and the next click corrects them.
    await expect.poll(() => page.evaluate(() => indexedDB.databases().then(list => list.length))).toBeGreaterThan(0)
    await page.waitForTimeout(1500)
    await page.reload()
    await status(page, /scene.jpg encoded/)
    expect(await read(page)).toEqual(before)
    await page.keyboard.press('PageUp')
    await status(page, /cat.jpg encoded/)
    at = await onScreen(page)
    await page.keyboard.press('p')
    await page.keyboard.press('.')
    await page.mouse.click(...at(...inside(cat)), { button: 'right' })
    await status(page, /mask refined/)
    await page.keyboard.press('Control+z')
    expect(await read(page)).toEqual(before)

    // The exported file has the masks that are shown.
    const { annotations } = JSON.parse((await exportFile(page, 'COCO')).bytes.toString()) as {
      annotations: { segmentation: CocoRle; area: number }[]
    }
    const [, catObjects] = before
    expect(annotations.map(({ area }) => area)).toEqual(catObjects.objects.map(({ area }) => area))
    annotations.forEach(({ segmentation }, i) => {
      const { data, width } = decodeRle(segmentation)
      const { runs, area } = catObjects.objects[i]
      let shared = 0
      for (let k = 0; k < runs.length; k += 3)
        for (let x = runs[k + 1]; x < runs[k + 2]; x++) shared += data[runs[k] * width + x]
      expect(shared).toBe(area)
    })

    // Another model changes no mask. A phrase adds what it finds, and says what is not there.
    await page.waitForTimeout(1500)
    await page.goto(`${server.url}?backend=wasm&model=tiny`)
    await status(page, /cat.jpg encoded/)
    expect(await read(page)).toEqual(before)
    await page.keyboard.press('PageDown')
    await status(page, /scene.jpg encoded/)
    for (const [phrase, answer] of [
      ['a green polygon', /“a green polygon”: \d added, score \d+%/],
      ['a bicycle', /“a bicycle” is not here/]
    ] as const) {
      await page.keyboard.press('t')
      await page.keyboard.press('Control+a')
      await page.keyboard.type(phrase)
      await page.keyboard.press('Enter')
      await status(page, answer)
      await page.evaluate(() => document.querySelector('sam-annotator')!.focus())
    }
    const found = (await shown(page)).filter(({ name }) => name.startsWith('a green polygon'))
    expect(found.every(({ area, score }) => area > 0 && score! > 0)).toBe(true)
    expect(found.length).toBeGreaterThan(0)

    expect(trouble).toEqual([])
    await context.close()
  }, 240_000)

  it('is asked before a picture or the project is removed; undo brings a picture back with its objects', async () => {
    const { page, context, trouble } = await openPage(browser, { url: server.url, search: '?backend=wasm&model=tiny' })
    await status(page, /Model Tiny/)
    await dropFiles(page, photos.slice(1))
    await status(page, /cat.jpg encoded/)
    await page.mouse.click(...(await onScreen(page))(225, 150))
    await status(page, /3 masks/)
    const mine = await read(page)
    expect(mine.map(({ name, objects }) => [name, objects.length])).toEqual([
      ['cat.jpg', 1],
      ['scene.jpg', 0]
    ])
    let asked: string | undefined
    let answer = false
    page.on('dialog', dialog => {
      asked = dialog.message()
      void (answer ? dialog.accept() : dialog.dismiss())
    })
    const asks = async (act: () => Promise<void>, agrees: boolean): Promise<string | undefined> => {
      asked = undefined
      answer = agrees
      await act()
      return asked
    }
    const remove = (name: string) => () => page.getByRole('button', { name: `Remove ${name}` }).click()
    expect(await asks(remove('cat.jpg'), false)).toMatch(/Remove cat.jpg with 1 object\?/)
    expect(await read(page)).toEqual(mine)
    expect(await asks(remove('cat.jpg'), true)).toMatch(/1 object/)
    expect((await read(page)).map(({ name }) => name)).toEqual(['scene.jpg'])
    await page.keyboard.press('Control+z')
    await expect.poll(() => read(page)).toEqual(mine)

    const startNew = async (): Promise<void> => {
      await page.getByRole('button', { name: /^Project/ }).click()
      await page.getByRole('button', { name: 'New project' }).click()
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    }
    expect(await asks(startNew, false)).toMatch(/2 pictures with 1 object will be removed/)
    expect(await read(page)).toEqual(mine)
    // A picture without objects would be lost as well.
    await page.evaluate(() => document.querySelector('sam-annotator')!.undo())
    expect(await asks(startNew, false)).toMatch(/2 pictures will be removed/)
    expect(await read(page)).toHaveLength(2)
    expect(await asks(startNew, true)).toMatch(/removed/)
    expect(await read(page)).toEqual([])
    expect(await asks(startNew, true)).toBe(undefined)
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)

  it('is asked before another project takes the place of this one, and before unsaved work is left', async () => {
    const { page, context, trouble } = await openPage(browser, { url: server.url, search: '?backend=wasm&model=tiny' })
    await status(page, /Model Tiny/)
    await dropFiles(page, photos.slice(1, 2))
    await status(page, /cat.jpg encoded/)
    await page.mouse.click(...(await onScreen(page))(225, 150))
    await status(page, /3 masks/)
    const mine = await read(page)

    const pixels = new Blob([readFileSync(photos[2])], { type: 'image/jpeg' })
    const other = addPictures(emptyProject, [{ id: 'other', name: 'other.jpg', width: 512, height: 384 }])
    const file = await writeProjectFile({ project: other, blobOf: () => pixels, candidatesOf: () => undefined })
    const zip = resolve(out, 'other.zip')
    writeFileSync(zip, new Uint8Array(await file.arrayBuffer()))
    const asked: string[] = []
    let answer = false
    page.on('dialog', dialog => {
      asked.push(dialog.type() === 'confirm' ? dialog.message() : dialog.type())
      void (answer || dialog.type() !== 'confirm' ? dialog.accept() : dialog.dismiss())
    })
    await dropFiles(page, [zip])
    await expect.poll(() => asked.length).toBe(1)
    expect(asked[0]).toMatch(/1 object will be removed/)
    expect(await read(page)).toEqual(mine)
    answer = true
    await dropFiles(page, [zip])
    await status(page, /other.jpg encoded/)
    expect((await read(page)).map(({ name }) => name)).toEqual(['other.jpg'])

    // A storage that is full is said, and leaving the page asks.
    await page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('no space', 'QuotaExceededError')
      }
    })
    await page.mouse.click(...(await onScreen(page))(100, 100))
    await page.getByRole('alert').getByText('storage for this page is full').waitFor()
    asked.length = 0
    await page.reload()
    await expect.poll(() => asked).toEqual(['beforeunload'])
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})

/** Whether a mask contains a pixel. */
function hits({ runs }: Read, x: number, y: number): boolean {
  for (let i = 0; i < runs.length; i += 3)
    if (runs[i] === Math.floor(y) && runs[i + 1] <= x && x < runs[i + 2]) return true
  return false
}

/** A position inside a mask: the middle of its longest run. */
function inside({ runs }: Read): [number, number] {
  let best = 0
  for (let i = 0; i < runs.length; i += 3) if (runs[i + 2] - runs[i + 1] > runs[best + 2] - runs[best + 1]) best = i
  return [(runs[best + 1] + runs[best + 2]) / 2, runs[best] + 0.5]
}
