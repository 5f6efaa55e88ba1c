import { describe, expect, it } from 'vitest'
import { scenes } from '@sam/scenes'
import { openData } from '../src/data.js'

describe('--data scenes', () => {
  const defaults = { seed: 5, size: 64 }
  it('accepts an optional seed, size and fraction of simple objects', async () => {
    for (const [given, meant] of [
      ['scenes', defaults],
      ['scenes:8', { seed: 8, size: 64 }],
      ['scenes:8:96', { seed: 8, size: 96 }],
      ['scenes:8::1', { seed: 8, size: 64, simple: 1 }],
      ['scenes:8::0.5', { seed: 8, size: 64, simple: 0.5 }],
      ['scenes::96:.25', { seed: 5, size: 96, simple: 0.25 }]
    ] as const) {
      const [found, wanted] = [await openData(given, defaults), scenes(meant)]
      for (let i = 0; i < 4; i++)
        expect(
          Buffer.compare((await found.read(i)).image.data, (await wanted.read(i)).image.data),
          `${given}, ${i}`
        ).toBe(0)
    }
  })
  it('refuses values out of range', async () => {
    for (const given of ['scenes:x', 'scenes:1:64:2', 'scenes:1:64:-1', 'scenes:1:64:', 'scenes:1:64:0.5:1'])
      await expect(openData(given, defaults), given).rejects.toThrow('it must be scenes[:SEED')
  })
})
