import { expect, it } from 'vitest'
import { buildExample, clickOnCoffee, serveExample } from '../../../tools/chromium/example-page.js'

it('the page: draws the mask of a click', async () => {
  const server = await serveExample(await buildExample('react'))
  const { area, trouble } = await clickOnCoffee('react', server.resolvedUrls!.local[0])
  await server.close()
  expect(trouble).toEqual([])
  expect(area).toBeGreaterThan(111_000) // the cup with its saucer and spoon: 112,635 in Node
  expect(area).toBeLessThan(114_000)
}, 120_000)
