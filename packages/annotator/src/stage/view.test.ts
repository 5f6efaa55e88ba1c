import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fit, held, pan, toPicture, zoom } from './view.js'

const [image, canvas] = [
  { width: 400, height: 200 },
  { width: 1000, height: 800 }
]

describe('view', () => {
  it('fit: centres the image between the margins', () => {
    expect(fit(image, canvas, { top: 50, bottom: 150, side: 100 })).toEqual({ scale: 2, x: 100, y: 150 })
  })

  it('zoom: keeps the position under the pointer fixed', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 5, noNaN: true }), fc.nat(1000), fc.nat(800), (factor, x, y) => {
        const view = fit(image, canvas, { top: 0, bottom: 0, side: 0 })
        const [before, after] = [toPicture(view, [x, y]), toPicture(zoom(view, factor, [x, y]), [x, y])]
        expect(after[0]).toBeCloseTo(before[0], 6)
        expect(after[1]).toBeCloseTo(before[1], 6)
      })
    )
  })

  it('held: keeps part of the image on the canvas', () => {
    const view = held(pan({ scale: 1, x: 0, y: 0 }, 9999, -9999), image, canvas)
    expect([view.x, view.y]).toEqual([952, -152])
  })
})
