import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeImage } from '@sam/core'
import { expect, it, vi } from 'vitest'

it('click.mjs: writes the mask of the cup with its saucer and spoon', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'sam-example-')), 'mask.png')
  const photo = join(import.meta.dirname, '../../cli/assets/coffee.jpg')
  const log = vi.spyOn(console, 'log').mockReturnValue()
  process.argv = [...process.argv.slice(0, 2), photo, '290,150', out]
  await import('./click.mjs')
  expect(log.mock.calls[0][0]).toMatch(/: \d+ pixels, predicted IoU 0\.9\d$/)

  const { width, height, data } = await decodeImage(out)
  expect([width, height]).toEqual([600, 400])
  const inside = (x: number, y: number): boolean => data[(y * width + x) * 3] === 255
  expect([inside(290, 150), inside(120, 230), inside(366, 284)]).toEqual([true, true, true]) // coffee, saucer, spoon
  expect([inside(20, 20), inside(580, 380)]).toEqual([false, false])
})
