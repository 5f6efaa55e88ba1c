import { dirname } from 'node:path'
import { expect, it, vi } from 'vitest'
import { buildExample, clickOnCoffee } from '../../../tools/chromium/example-page.js'

it('the page: decodes a click in the tab, from the embedding of the server', async () => {
  process.chdir(dirname(await buildExample('server'))) // its dist is what the server serves
  process.env.PORT = '0'
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('./server.mjs')
  await vi.waitFor(() => expect(log).toHaveBeenCalled(), 60_000)
  const { area, trouble } = await clickOnCoffee('server', String(log.mock.calls[0][0]))
  expect(trouble).toEqual([])
  expect(area).toBeGreaterThan(111_000) // the cup with its saucer and spoon: 112,635 in Node
  expect(area).toBeLessThan(114_000)
}, 120_000)
