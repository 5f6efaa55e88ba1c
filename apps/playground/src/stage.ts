import type { Point } from '@sam/core'
import type { App } from './app.js'
import { draw, type Scene, type ShownMask } from './canvas.js'
import { listen, type Spot } from './pointer.js'
import type { Stroke } from './protocol.js'
import { activeObject, addPoint, addStroke, colorOf, setBox } from './session.js'
import { fit, held, isInside, margins, pan, toImage, zoom, type View } from './view.js'

/** The canvas: its view of the image, and the gestures on it. */
export interface Stage {
  /** Redraws on the next frame. */
  refresh(): void
  fit(): void
  zoom(factor: number): void
}

/** `floor`: height of the toolbar that covers the bottom of the canvas, in CSS pixels. */
export function createStage(canvas: HTMLCanvasElement, app: App, floor: () => number): Stage {
  let view: View = { scale: 1, x: 0, y: 0 }
  let fitted = true
  let shownImage: ImageBitmap | undefined
  /** The drag in progress, in image pixels. */
  let drag: readonly (readonly [number, number])[] = []
  let pointer: readonly [number, number] | undefined
  /** The keyboard crosshair, in image pixels; hidden while a pointer is in use. */
  let cross: readonly [number, number] | undefined
  let frame = 0

  const image = (): ImageBitmap | undefined => app.state.image?.bitmap
  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight })
  const at = ({ x, y }: Spot): [number, number] => toImage(view, [x, y])
  const radius = (): number => app.state.brush / 2 / view.scale
  const brushing = (): boolean => app.state.tool === 'brush' || app.state.tool === 'erase'

  function refresh(): void {
    if (!frame)
      frame = requestAnimationFrame(() => {
        frame = 0
        draw(canvas, scene())
      })
  }

  function scene(): Scene | undefined {
    const bitmap = image()
    if (!bitmap) return undefined
    if (bitmap !== shownImage) {
      shownImage = bitmap
      fitted = true
      cross = undefined
    }
    if (fitted) view = fit(bitmap, size(), margins(floor()))
    view = held(view, bitmap, size())
    const active = activeObject(app.session)
    const color = colorOf(active)
    const masks = app.session.objects
      .filter(o => o.visible)
      .map((o): ShownMask | undefined => {
        const candidate = app.shown(o)
        return candidate && { candidate, color: colorOf(o), as: o === active ? 'active' : 'other' }
      })
      .filter(m => m !== undefined)
    masks.sort((a, b) => Number(a.as === 'active') - Number(b.as === 'active'))
    if (app.state.preview) masks.push({ candidate: app.state.preview, color, as: 'preview' })
    const { points, box, strokes } = active.prompts
    const pending = app.candidates(active) ? [] : strokes.slice(-1)
    return {
      image: bitmap,
      view,
      masks,
      points,
      color,
      cross,
      box: drag.length > 1 && !brushing() ? boxOf(drag) : box,
      strokes: brushing() && drag.length ? [...pending, strokeOf(drag)] : pending,
      brush: brushing() && pointer && !cross ? { at: pointer, radius: radius() } : undefined
    }
  }

  const strokeOf = (line: Stroke['line']): Stroke => ({ radius: radius(), erase: app.state.tool === 'erase', line })
  const boxOf = (line: Stroke['line']): [number, number, number, number] => {
    const { width, height } = image()!
    const [[ax, ay], [bx, by]] = [line[0], line[line.length - 1]].map(([x, y]) => [
      Math.max(0, Math.min(width, x)),
      Math.max(0, Math.min(height, y))
    ])
    return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)]
  }

  function click([x, y]: readonly [number, number], other: boolean): void {
    const bitmap = image()
    if (!bitmap || app.state.tool === 'hand') return
    if (brushing()) return app.act(addStroke(app.session, strokeOf([[x, y]]), app.refined()))
    if (!isInside([x, y], bitmap)) return
    const point: Point = { x, y, label: (app.state.tool === 'exclude') !== other ? 'background' : 'foreground' }
    app.act(addPoint(app.session, point, app.refined()))
  }

  const move = (next: View): void => {
    fitted = false
    view = next
    refresh()
  }

  listen(canvas, {
    hover(spot) {
      pointer = spot && at(spot)
      cross = undefined
      const bitmap = image()
      const previews = pointer && bitmap && app.state.tool === 'include' && !spot?.shift && isInside(pointer, bitmap)
      app.preview(previews ? { x: pointer![0], y: pointer![1] } : undefined)
      refresh()
    },
    click(spot) {
      cross = undefined
      click(at(spot), spot.shift)
    },
    // With the point tools, a touch drag pans and a mouse drag draws a box.
    draws: ({ touch }) =>
      image() !== undefined && (app.state.tool === 'box' || brushing() || (app.state.tool === 'include' && !touch)),
    drag(line) {
      drag = line.map(at)
      pointer = drag[drag.length - 1]
      app.preview(undefined)
      refresh()
    },
    drop(line, done) {
      const made = line.map(at)
      drag = []
      refresh()
      if (!done || !image()) return
      if (brushing()) return app.act(addStroke(app.session, strokeOf(made), app.refined()))
      const box = boxOf(made)
      if (box[2] > box[0] && box[3] > box[1]) app.act(setBox(app.session, box))
    },
    pan: (dx, dy) => move(pan(view, dx, dy)),
    zoom: (factor, spot) => move(zoom(view, factor, [spot.x, spot.y]))
  })

  canvas.addEventListener('keydown', event => {
    const bitmap = image()
    if (!bitmap || event.ctrlKey || event.metaKey || event.altKey) return
    const way = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const)[
      event.key as 'ArrowUp'
    ]
    if (way) {
      const step = (event.shiftKey ? 40 : 8) / view.scale
      const [x, y] = cross ?? [bitmap.width / 2, bitmap.height / 2]
      cross = [
        Math.max(0, Math.min(bitmap.width, x + way[0] * step)),
        Math.max(0, Math.min(bitmap.height, y + way[1] * step))
      ]
      app.preview(app.state.tool === 'include' ? { x: cross[0], y: cross[1] } : undefined)
    } else if (event.key === 'Enter' && cross) {
      click(cross, event.shiftKey)
    } else {
      return
    }
    event.preventDefault()
    refresh()
  })
  canvas.addEventListener('blur', () => {
    cross = undefined
    refresh()
  })
  new ResizeObserver(refresh).observe(canvas)

  return {
    refresh,
    fit() {
      fitted = true
      refresh()
    },
    zoom: factor => move(zoom(view, factor, [canvas.clientWidth / 2, canvas.clientHeight / 2]))
  }
}
