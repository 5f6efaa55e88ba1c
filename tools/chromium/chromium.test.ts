import { describe, expect, it } from 'vitest'

describe('the test bed', () => {
  it('gives Dawn in Node a Vulkan driver', async () => {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    const adapter = await create([]).requestAdapter()
    expect(adapter?.info.vendor).toBe('google')
  })
})
