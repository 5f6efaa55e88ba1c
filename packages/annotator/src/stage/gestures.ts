/** Pointer gestures on a surface, in CSS pixels from its top left corner. */
export interface Gestures {
  /** The pointer is over the surface with no button pressed; undefined when it leaves. Never from touch. */
  hover(at: Spot | undefined): void
  click(at: Spot): void
  /** Whether a drag from this position belongs to the tool; otherwise it pans. */
  drags(at: Spot): boolean
  /** A drag in progress: all positions so far. */
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
  readonly alt: boolean
  /** The right button. */
  readonly secondary: boolean
  readonly touch: boolean
}

/** How far a click may move, in CSS pixels: hands tremble. */
const slop = { mouse: 6, touch: 12 }

/**
 * Listens to mouse, pen, touch and wheel. A drag with the middle or right button, with the space bar held, or where the
 * tool does not drag, pans, as does a scroll with two fingers; a pinch and a wheel with Ctrl zoom. Returns a function
 * that ends this.
 */
export function listen(surface: HTMLElement, gestures: Gestures): () => void {
  const ended = new AbortController()
  const { signal } = ended
  const fingers = new Map<number, Spot>()
  let line: Spot[] = []
  let mode: 'none' | 'pressed' | 'dragging' | 'panning' | 'pinching' = 'none'
  let space = false
  let over = false

  const spot = (event: MouseEvent & Partial<PointerEvent>): Spot => {
    const { left, top } = surface.getBoundingClientRect()
    return {
      x: event.clientX - left,
      y: event.clientY - top,
      shift: event.shiftKey,
      alt: event.altKey,
      secondary: event.button === 2 || (event.buttons & 2) > 0,
      touch: event.pointerType === 'touch'
    }
  }
  const giveUp = (): void => {
    if (mode === 'dragging') gestures.drop(line, false)
    mode = 'none'
  }
  const on = <K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options: AddEventListenerOptions = {}
  ): void => surface.addEventListener(type, listener, { ...options, signal })

  on('pointerdown', event => {
    const at = spot(event)
    if (event.isTrusted) surface.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, at)
    if (fingers.size === 2) {
      giveUp()
      mode = 'pinching'
    } else if (fingers.size === 1) {
      line = [at]
      if (event.button === 1) event.preventDefault()
      mode = event.button === 1 || space ? 'panning' : 'pressed'
    }
  })

  on('pointermove', event => {
    over = true
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
      const [first] = line
      if (Math.hypot(at.x - first.x, at.y - first.y) <= (at.touch ? slop.touch : slop.mouse)) return
      mode = !first.secondary && gestures.drags(first) ? 'dragging' : 'panning'
      if (mode === 'panning') return gestures.pan(at.x - first.x, at.y - first.y)
    }
    if (mode === 'panning') gestures.pan(at.x - before.x, at.y - before.y)
    if (mode === 'dragging') gestures.drag((line = [...line, at]))
  })

  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return
    if (mode === 'pressed' && event.type === 'pointerup') gestures.click(line[0])
    if (mode === 'dragging') gestures.drop(line, event.type === 'pointerup')
    if (mode !== 'pinching' || fingers.size === 0) mode = 'none'
  }
  on('pointerup', up)
  on('pointercancel', up)
  on('pointerleave', () => {
    over = false
    if (!fingers.size) gestures.hover(undefined)
  })
  on('contextmenu', event => event.preventDefault())
  on(
    'wheel',
    event => {
      event.preventDefault()
      const unit = event.deltaMode === 1 ? 16 : 1
      if (!event.ctrlKey && !event.metaKey) return gestures.pan(-event.deltaX * unit, -event.deltaY * unit)
      // A trackpad pinch arrives as wheel events with ctrlKey and small deltas; a wheel has large ones.
      const step = Math.max(-0.5, Math.min(0.5, event.deltaY * unit * 0.01))
      gestures.zoom(Math.exp(-step), spot(event))
    },
    { passive: false }
  )
  document.addEventListener(
    'keydown',
    event => {
      if (event.key === 'Escape') giveUp()
      if (event.key !== ' ' || !(over || event.composedPath().includes(surface))) return
      const [target] = event.composedPath()
      if (target instanceof Element && target.closest('input, textarea, select, button, a, [contenteditable]')) return
      space = true
      event.preventDefault() // the page must not scroll
    },
    { signal }
  )
  document.addEventListener(
    'keyup',
    event => {
      if (event.key === ' ') space = false
    },
    { signal }
  )
  window.addEventListener('blur', () => (space = false), { signal })
  return () => ended.abort()
}
