import { expect, it } from 'vitest'
import { webgpu } from '../src/index.js'

it('runs in a page', async () => {
  const backend = await webgpu()
  console.log(backend.adapter, backend.limits)
  expect(backend.lost()).toBeUndefined()
  backend.dispose()
})
