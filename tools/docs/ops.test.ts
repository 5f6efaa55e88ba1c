import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { opsPage, pagePath } from './ops.js'

it('docs/ops.md: is up to date (node tools/run.js tools/docs/ops.ts writes it)', () => {
  expect(readFileSync(pagePath, 'utf8')).toBe(opsPage())
})
