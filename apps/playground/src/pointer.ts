/** Pointer gestures on a surface, in CSS pixels from its top left corner. */
export interface Gestures {
  /** The pointer is over the surface with no button pressed; undefined when it leaves. Never from touch. */
  hover(at: Spot | undefined): void
  click(at: Spot): void
  /** Whether a drag from this position draws; otherwise it pans. */
  draws(at: Spot): boolean
  /** A drawing drag in progress: all positions so far. */
  drag(line: readonly Spot[]): void
  /** The drag ended; `done` is false if it was cancelled (a second finger, Escape). */
  drop(line: readonly Spot[], done: boolean): void
  pan(dx: number, dy: number): void
  zoom(factor: number, at: Spot): void
}

export interface Spot {
  readonly x: number
  readonly y: number
  readonly shift: boolean
  readonly touch: boolean
}

/** Maximum movement of a click, in CSS pixels. */
const slop = { mouse: 4, touch: 10 }

/** Listens to mouse, pen, touch and wheel. */
export function listen(surface: HTMLElement, gestures: Gestures): void {
  const fingers = new Map<number, Spot>()
  let line: Spot[] = []
  let mode: 'none' | 'pressed' | 'drawing' | 'panning' | 'pinching' = 'none'

  const spot = (event: MouseEvent & Partial<PointerEvent>): Spot => {
    const { left, top } = surface.getBoundingClientRect()
    return {
      x: event.clientX - left,
      y: event.clientY - top,
      shift: event.shiftKey,
      touch: event.pointerType === 'touch'
    }
  }
  const giveUp = (): void => {
    if (mode === 'drawing') gestures.drop(line, false)
    mode = 'none'
  }

  surface.addEventListener('pointerdown', event => {
    const at = spot(event)
    surface.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, at)
    if (fingers.size === 2) {
      giveUp()
      mode = 'pinching'
    } else if (fingers.size === 1) {
      line = [at]
      mode = event.button === 1 ? 'panning' : event.button === 0 ? 'pressed' : 'none'
      if (event.button === 1) event.preventDefault()
    }
  })

  surface.addEventListener('pointermove', event => {
    const at = spot(event)
    const before = fingers.get(event.pointerId)
    if (!before) return at.touch ? undefined : gestures.hover(at)
    if (mode === 'pinching') {
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1]
      fingers.set(event.pointerId, at)
      if (!other) return
      const apart = (a: Spot): number => Math.hypot(a.x - other.x, a.y - other.y)
      gestures.pan((at.x - before.x) / 2, (at.y - before.y) / 2)
      if (apart(before) > 0)
        gestures.zoom(apart(at) / apart(before), { ...at, x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 })
      return
    }
    fingers.set(event.pointerId, at)
    if (mode === 'pressed') {
      if (Math.hypot(at.x - line[0].x, at.y - line[0].y) <= (at.touch ? slop.touch : slop.mouse)) return
      mode = gestures.draws(line[0]) ? 'drawing' : 'panning'
    }
    if (mode === 'panning') gestures.pan(at.x - before.x, at.y - before.y)
    if (mode === 'drawing') gestures.drag((line = [...line, at]))
  })

  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return
    if (mode === 'pressed' && event.type === 'pointerup') gestures.click(spot(event))
    if (mode === 'drawing') gestures.drop(line, event.type === 'pointerup')
    if (mode !== 'pinching' || fingers.size === 0) mode = 'none'
  }
  surface.addEventListener('pointerup', up)
  surface.addEventListener('pointercancel', up)
  surface.addEventListener('pointerleave', () => {
    if (!fingers.size) gestures.hover(undefined)
  })
  surface.addEventListener('contextmenu', event => event.preventDefault())
  surface.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      // A trackpad pinch arrives as wheel events with ctrlKey and smaller deltas.
      const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1) * (event.ctrlKey ? 0.01 : 0.0016)
      gestures.zoom(Math.exp(-Math.max(-0.5, Math.min(0.5, step))), spot(event))
    },
    { passive: false }
  )
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') giveUp()
  })
}
