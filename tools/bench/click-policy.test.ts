import { describe, expect, it } from 'vitest'
import { nextClick, squaredDistances } from './click-policy.js'

const grid = (rows: string) => {
  const lines = rows.trim().split(/\s+/)
  return {
    width: lines[0].length,
    height: lines.length,
    data: Uint8Array.from(lines.join(''), c => +(c === '#'))
  }
}

describe('squaredDistances', () => {
  it('is the distance to the nearest pixel outside, as by trying them all', () => {
    const { width, height, data } = grid(`
      .######.
      ########
      ###.####
      ########
      ########
      .#######`)
    const expected = Array.from(data, (inside, i) => {
      if (!inside) return 0
      let least = Infinity
      for (let y = -1; y <= height; y++)
        for (let x = -1; x <= width; x++)
          if (x < 0 || y < 0 || x >= width || y >= height || !data[y * width + x])
            least = Math.min(least, (x - (i % width)) ** 2 + (y - Math.floor(i / width)) ** 2)
      return least
    })
    expect([...squaredDistances({ width, height, data })]).toEqual(expected)
  })
})

describe('nextClick', () => {
  const truth = grid(`
    .....
    .###.
    .###.
    .###.
    .....`)

  it('clicks the middle of what is missed', () => {
    expect(nextClick(truth, new Uint8Array(25))).toEqual({ x: 2, y: 2, label: 'foreground' })
  })

  it('clicks wrongly covered pixels where they are deeper', () => {
    const flooded = truth.data.map((_, i) => (i === 12 ? 0 : 1))
    expect(nextClick(truth, flooded)).toEqual({ x: 2, y: 2, label: 'foreground' })
    const wide = { width: 9, height: 3, data: Uint8Array.from({ length: 27 }, (_, i) => +(i === 0)) }
    expect(nextClick(wide, new Uint8Array(27).fill(1))).toEqual({ x: 2, y: 1, label: 'background' })
  })

  it('has nothing to click where all is right', () => {
    expect(nextClick(truth, truth.data)).toBeUndefined()
  })
})
