import { readFileSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ensureChromium, locateChromium } from './index.js'

describe('the test bed', () => {
  it('gives Dawn in Node a Vulkan driver', async () => {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    const adapter = await create([]).requestAdapter()
    expect(adapter?.info.vendor).toBe('google')
  })

  it('says anew at every start where its fonts are', () => {
    const folder = dirname(locateChromium().vulkanIcd)
    const conf = join(folder, 'fonts.conf')
    utimesSync(conf, 0, 0)
    ensureChromium()
    expect(statSync(conf).mtimeMs).toBeGreaterThan(0)
    expect(readFileSync(conf, 'utf8')).toContain(`<dir>${join(folder, 'fonts')}</dir>`)
  })
})
