import axeCore from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { addBoxes, clickAt, objectsOf, onScreen, openSample, status, useSite } from './harness.js'

const site = useSite('panels')

/** What axe finds: rules with the elements that break them. */
async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeCore.source)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> }
    }
    return (await axe.run()).violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(n => n.html.slice(0, 120)).join(' | ')}`
    )
  })
}

/** Whether an element is in the window, with nothing over its middle. */
const inReach = (locator: Locator): Promise<boolean> =>
  locator.evaluate(element => {
    const { left, top, right, bottom } = element.getBoundingClientRect()
    const isInside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
    return isInside && element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))
  })

/** Twelve small boxes in a picture of 400 × 300 pixels. */
const twelve = Array.from({ length: 12 }, (_, i): [number, number, number, number] => {
  const [x, y] = [15 + (i % 4) * 95, 10 + Math.floor(i / 4) * 95]
  return [x, y, x + 70, y + 70]
})

describe('objects', () => {
  it('are selected by keys, searched, labelled, hidden, locked, duplicated, merged, subtracted and removed', async () => {
    const { page, context, trouble } = await site.open()
    await status(page, /Model/)
    await openSample(page, 'Shapes')
    await addBoxes(page, twelve)
    const list = page.getByRole('list', { name: 'Objects', exact: true })
    const rows = list.getByRole('listitem')
    expect(await rows.count()).toBe(12)
    expect(await list.evaluate(element => element.scrollHeight > element.clientHeight)).toBe(true)
    const main = (name: string) => list.getByRole('button', { name: new RegExp(`^${name}\\b(?! copy)`) })
    await main('Object 2').click()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent.trim())).toMatch(/^Object 3/)
    expect(await main('Object 3').getAttribute('aria-pressed')).toBe('true')
    await status(page, /^Object 3 selected · model’s own estimate \d+%$/)
    await page.keyboard.press('.')
    await expect.poll(() => main('Object 4').getAttribute('aria-pressed')).toBe('true')

    await list.getByLabel('Label', { exact: true }).selectOption('edit')
    await page.getByLabel('New label').fill('star')
    await page.keyboard.press('Enter')
    await page.getByLabel('Colour of star').fill('#ff0000')
    await page.getByLabel('Key of star').fill('s')
    await page.keyboard.press('Tab')
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.keyboard.press('s')
    await expect.poll(() => main('Object 4').textContent()).toContain('star')
    expect(
      await page.locator('.object.active').evaluate(row => (row as HTMLElement).style.getPropertyValue('--object'))
    ).toBe('#ff0000')

    await page.getByLabel('Search the objects').fill('STAR')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByLabel('Search the objects').fill('nothing')
    await page.getByText('No object is called “nothing”').waitFor()
    await page.getByLabel('Search the objects').fill('')
    await expect.poll(() => rows.count()).toBe(12)
    await main('Object 4').focus()

    await page.keyboard.press('u')
    await list.getByRole('button', { name: 'Show Object 4' }).click()
    await page.keyboard.press('k')
    await list.getByRole('button', { name: 'Unlock Object 4' }).waitFor()
    await main('Object 4').focus()
    await page.keyboard.press('Delete')
    expect((await objectsOf(page)).length).toBe(12)
    await list.getByRole('button', { name: 'Unlock Object 4' }).click()
    await main('Object 4').focus()
    await page.keyboard.press('d')
    await expect.poll(async () => (await objectsOf(page)).map(o => o.name).at(-1)).toBe('Object 4 copy')
    await page.keyboard.press('Delete')
    await expect.poll(async () => (await objectsOf(page)).length).toBe(12)

    const before = await objectsOf(page)
    await page.getByRole('button', { name: 'Select several' }).click()
    for (const name of ['Object 1', 'Object 2']) await list.getByLabel(`Tick ${name}`, { exact: true }).check()
    await page.getByRole('button', { name: 'Merge', exact: true }).click()
    await expect.poll(async () => (await objectsOf(page)).length).toBe(11)
    const [merged] = await objectsOf(page)
    const [a, b] = before.map(({ mask }) => mask!)
    expect(merged.mask!.area).toBe(a.area + b.area - a.sharedArea(b))
    for (const name of ['Object 1', 'Object 3']) await list.getByLabel(`Tick ${name}`, { exact: true }).check()
    await page.getByRole('button', { name: 'Subtract', exact: true }).click()
    await expect.poll(async () => (await objectsOf(page))[0].mask!.sharedArea(before[2].mask!)).toBe(0)
    for (const name of ['Object 5', 'Object 6']) await list.getByLabel(`Tick ${name}`, { exact: true }).check()
    await page.getByRole('group', { name: 'Ticked objects' }).getByRole('button', { name: 'Remove' }).click()
    await expect.poll(async () => (await objectsOf(page)).length).toBe(9)
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})

describe('phrases', () => {
  it('add the objects that they describe, with scores; say what is not here; and are refined by a click', async () => {
    const { page, context, trouble, shot } = await site.open()
    await status(page, /Model/)
    await openSample(page, 'Shapes')
    await page.keyboard.press('t')
    await page.keyboard.type('a green polygon')
    await page.keyboard.press('Enter')
    await status(page, /“a green polygon”: \d+ added, score/)
    await page
      .getByText(/fits the phrase \d+%/)
      .first()
      .waitFor()
    const first = (await objectsOf(page)).length
    await shot('14-phrase-light')
    const field = page.getByLabel('Find by a phrase')
    await field.fill('a red star')
    await page.keyboard.press('Enter')
    await status(page, /“a red star”/)
    expect((await objectsOf(page)).length).toBeGreaterThanOrEqual(first)
    await page.getByLabel('But not').fill('a green polygon, a green star')
    await field.fill('a green thing')
    await field.press('Enter')
    await status(page, /“a green thing”/)
    await field.fill('word '.repeat(40))
    await field.press('Enter')
    await page.getByRole('alert').getByText('tokens').waitFor()
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})

describe('everything', () => {
  it('shows masks as they arrive, of one level by a key; clicks keep them; the rest is dismissed', async () => {
    const { page, context, trouble, shot } = await site.open()
    await status(page, /Model/)
    await openSample(page, 'Shapes')
    await page.evaluate(() => {
      const counts: number[] = ((window as unknown as { counts: number[] }).counts = [])
      const { annotator } = document.querySelector('sam-annotator')!
      annotator.subscribe(() => counts.push(annotator.picture?.suggestions?.length ?? 0))
    })
    await page.getByRole('button', { name: 'Everything' }).click()
    await status(page, /masks found/)
    const counts = await page.evaluate(() => (window as unknown as { counts: number[] }).counts)
    expect(new Set(counts).size).toBeGreaterThan(3)
    const all = counts.at(-1)!
    await shot('22-everything')
    const keep = page.getByRole('button', { name: /^Keep/ })
    expect(await keep.textContent()).toContain(String(all))
    await page.locator('#canvas').focus()
    await page.keyboard.press('l')
    await expect
      .poll(async () => page.getByRole('button', { name: 'Wholes' }).getAttribute('aria-pressed'))
      .toBe('true')
    const wholes = Number((await keep.textContent())!.replace(/\D/g, ''))
    expect(wholes).toBeGreaterThan(0)
    expect(wholes).toBeLessThanOrEqual(all)
    await page.getByRole('button', { name: 'All', exact: true }).click()

    const suggestion = await page.evaluate(() => {
      const { annotator } = document.querySelector('sam-annotator')!
      const [{ mask }] = [...annotator.suggestions()].sort((a, b) => a.mask.area - b.mask.area)
      const runs = mask.runs
      const middle = Math.floor(runs.length / 6) * 3
      return {
        width: mask.width,
        height: mask.height,
        at: [(runs[middle + 1] + runs[middle + 2]) / 2, runs[middle] + 0.5],
        area: mask.area
      }
    })
    const at = await onScreen(page)
    await page.mouse.click(...at(suggestion.at[0], suggestion.at[1]))
    await expect.poll(async () => (await objectsOf(page)).map(({ mask }) => mask!.area)).toEqual([suggestion.area])
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await expect.poll(() => keep.count()).toBe(0)
    expect((await objectsOf(page)).length).toBe(1)
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})

describe('layout', () => {
  for (const [width, height, scheme] of [
    [1440, 900, 'light'],
    [900, 700, 'dark'],
    [820, 1180, 'light'],
    [762, 1024, 'dark'],
    [390, 844, 'dark'],
    [360, 640, 'light']
  ] as const)
    it(`${width} px, ${scheme}: everything is in reach, nothing is cut off, and axe finds nothing`, async () => {
      const touch = width < 760
      const { page, context, trouble, shot } = await site.open({
        viewport: { width, height },
        colorScheme: scheme,
        hasTouch: touch,
        isMobile: touch
      })
      await status(page, /Model/)
      expect(await axe(page)).toEqual([])
      await openSample(page, 'Shapes')
      await addBoxes(page, twelve)
      await page.evaluate(() => document.querySelector('sam-annotator')!.select(3))
      expect(await page.locator('h1').count()).toBe(1)

      const button = (name: string): Locator => page.locator('main, .card').getByRole('button', { name, exact: true })
      for (const name of ['Zoom in', 'Zoom out', 'Fit the picture', 'Include', 'Brush', 'Pan', 'Undo', 'Redo'])
        expect([name, await inReach(button(name))]).toEqual([name, true])
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      expect(
        await page.locator('#toolbar > *').evaluateAll(bars => {
          const boxes = bars.map(bar => bar.getBoundingClientRect())
          return boxes.some((a, i) =>
            boxes.some((b, k) => k > i && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
          )
        })
      ).toBe(false)

      const hasTabs = width <= 1000 && height > width
      const tabs = hasTabs ? ['Pictures', 'Find', 'Export', 'More', 'Objects'] : ['']
      for (const tab of tabs) {
        if (tab) await page.getByRole('navigation').getByRole('button', { name: tab }).click()
        if (tab === 'Export' || !tab)
          for (const part of [button('Export'), page.getByText('Edges')])
            await expect.poll(() => inReach(part)).toBe(true)
        if (tab === 'Objects' || !tab)
          await expect.poll(() => inReach(page.locator('.object.active .object-row'))).toBe(true)
        const cut = await page
          .locator('#panel button:visible, #panel h2:visible')
          .evaluateAll(elements =>
            elements
              .filter(
                e =>
                  e.scrollWidth > e.clientWidth + 1 &&
                  !e.querySelector('.name, small') &&
                  getComputedStyle(e).overflow !== 'hidden'
              )
              .map(e => e.textContent.trim())
          )
        expect(cut).toEqual([])
        expect(await axe(page)).toEqual([])
        await shot(`30-${width}-${scheme}-${tab || 'all'}`)
        if (!touch) continue
        const small = await page
          .locator('button:visible, select:visible, summary:visible, .tick:visible')
          .evaluateAll(elements =>
            elements
              .map(e => [e.getAttribute('aria-label') ?? e.textContent.trim(), e.getBoundingClientRect()] as const)
              .filter(([, { width, height }]) => Math.min(width, height) < 43.5)
              .map(([name, { width, height }]) => `${name}: ${width} × ${height}`)
          )
        expect(small).toEqual([])
      }
      if (hasTabs) {
        await page.getByRole('button', { name: /^Object 1\b/ }).click()
        expect(await page.evaluate(() => document.activeElement instanceof HTMLInputElement)).toBe(false)
        const before = (await page.locator('#stage').boundingBox())!.height
        await page.getByRole('button', { name: 'Close the panel' }).click()
        await expect
          .poll(async () => (await page.locator('#stage').boundingBox())!.height)
          .toBeGreaterThan(before + 0.25 * height)
        await shot(`30-${width}-${scheme}-closed`)
        await page.getByRole('navigation').getByRole('button', { name: 'Objects' }).click()
        await expect.poll(async () => (await page.locator('#stage').boundingBox())!.height).toBe(before)
      }
      expect(trouble).toEqual([])
      await context.close()
    }, 120_000)

  it('? opens the help; dialogs have no findings of axe', async () => {
    const { page, context, trouble } = await site.open()
    await status(page, /Model/)
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Find everything').waitFor()
    expect(await axe(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.locator('.model').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('current').waitFor()
    await dialog.getByText('Models to download').click()
    for (const text of ['19.6 MB · Apache-2.0', '3.2 MB, and 2.3 MB with the first phrase', 'SAM ViT-H', '2,565 MB'])
      await dialog.getByText(text).first().waitFor()
    expect(await axe(page)).toEqual([])
    expect(trouble).toEqual([])
    await context.close()
  }, 120_000)
})

it('says that no model is loaded, also for clicks', async () => {
  site.server.damage = (path, data) => (/mobile_sam/.test(path) ? data.subarray(1000) : data)
  const { page, context } = await site.open({}, { search: '?backend=wasm' })
  await page.getByRole('alert').getByText('MobileSAM: must have').waitFor()
  site.server.damage = undefined
  await page.getByRole('button', { name: 'Open sample: Shapes' }).click()
  await status(page, /No model is loaded/)
  await clickAt(page, 0.5, 0.5)
  await status(page, /No model is loaded/)
  await context.close()
}, 120_000)
