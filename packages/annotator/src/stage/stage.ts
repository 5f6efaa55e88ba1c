import type { Mask } from '@sam/core'
import { addBox } from '../document/prompts.js'
import { nextId, select } from '../document/objects.js'
import { colorOf, type Picture, type Position, type Prompts, type Stroke } from '../document/project.js'
import type { Annotator } from '../store/annotator.js'
import { click, refusesLocked, selectedByPoint } from './click.js'
import { draw, type Outline, type Scene, type ShownMask } from './draw.js'
import { boxOf, draggedPrompts, dropHandle, handleAt, type Handle } from './handles.js'
import { listen, type Spot } from './gestures.js'
import { clampTo, fit, held, isInside, pan, toPicture, toScreen, zoom, type Margins, type View } from './view.js'

/** The canvas: its view of the picture, and the gestures and keys on it. */
export interface Stage {
  /** Redraws on the next frame. */
  refresh(): void
  fit(): void
  /** Zooms around the middle. */
  zoom(factor: number): void
  /** Where a position of the picture is on the canvas, in CSS pixels. */
  onCanvas(at: Position): Position
  /** Handles a key on the canvas: arrows move the crosshair, Enter uses the tool there. Returns whether it did. */
  key(event: KeyboardEvent): boolean
  dispose(): void
}

export interface StageOptions {
  readonly margins: () => Margins
  /** Says something in a live region, such as the position of the crosshair. */
  readonly announce: (text: string) => void
  /** What is drawn in place of the outline of an object's mask, if anything. */
  readonly outlineOf: (mask: Mask) => Outline | undefined
}

/** What is being dragged, or drawn by keys; positions in picture pixels. */
type Work =
  | { readonly kind: 'box'; readonly from: Position; readonly to: Position }
  | { readonly kind: 'stroke'; readonly line: readonly Position[] }
  | { readonly kind: 'handle'; readonly handle: Handle; readonly prompts: Prompts; readonly at: Position }

export function createStage(
  canvas: HTMLCanvasElement,
  annotator: Annotator,
  { margins, announce, outlineOf }: StageOptions
): Stage {
  let view: View = { scale: 1, x: 0, y: 0 }
  let fitted = true
  let shownPicture: string | undefined
  let work: Work | undefined
  let pointer: Position | undefined
  /** The keyboard's crosshair; hidden while a pointer is in use. */
  let cross: Position | undefined
  let frame = 0

  const picture = (): Picture | undefined => (annotator.state.image ? annotator.picture : undefined)
  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight })
  const at = ({ x, y }: Spot): Position => toPicture(view, [x, y])
  const radius = (): number => annotator.state.brush / 2 / view.scale
  const brushing = (): boolean => annotator.state.tool === 'brush' || annotator.state.tool === 'erase'
  const strokeOf = (line: readonly Position[]): Stroke => ({
    radius: radius(),
    erase: annotator.state.tool === 'erase',
    line
  })
  /** The handle of the selected object at a position on the screen. */
  function handle(spot: Pick<Spot, 'x' | 'y' | 'touch'>): Handle | undefined {
    const { active, state } = annotator
    if (!active?.visible || brushing() || state.tool === 'hand') return undefined
    return handleAt(active.prompts, toPicture(view, [spot.x, spot.y]), (spot.touch ? 22 : 11) / view.scale)
  }

  function refresh(): void {
    if (!frame)
      frame = requestAnimationFrame(() => {
        frame = 0
        draw(canvas, scene())
      })
  }

  function scene(): Scene | undefined {
    const { image, preview } = annotator.state
    const of = picture()
    if (!image || !of) return undefined
    if (of.id !== shownPicture) {
      shownPicture = of.id
      fitted = true
      cross = work = undefined
    }
    if (fitted) view = fit(of, size(), margins())
    view = held(view, of, size())
    const { active, project } = annotator
    const color = colorOf(project, active ?? { id: nextId(of), category: project.nextCategory })
    const dragging = work?.kind === 'handle' ? draggedPrompts(work.prompts, work.handle, work.at) : undefined
    const { points, box } = dragging ?? (active?.visible ? active.prompts : { points: [], box: undefined })
    const { stroke, drawn } = {
      stroke: work?.kind === 'stroke' ? strokeOf(work.line) : undefined,
      drawn: work?.kind === 'box' ? boxOf(work.from, work.to) : undefined
    }
    return {
      image,
      view,
      masks: masks(of, { color, dragging: dragging !== undefined, preview }),
      points,
      color,
      cross,
      box: drawn ?? box,
      stroke,
      brush: brushing() && pointer && !cross ? { at: pointer, radius: radius() } : undefined
    }
  }

  function masks(
    of: Picture,
    { color, dragging, preview }: { color: string; dragging: boolean; preview: ShownMask['mask'] | undefined }
  ): ShownMask[] {
    const { active, project, state } = annotator
    const position = cross ?? pointer
    const hovered = state.tool === 'select' && position ? annotator.suggestionAt(position) : undefined
    const suggested = annotator.suggestions().map((suggestion): ShownMask => {
      const isHovered = suggestion === hovered
      return { mask: suggestion.mask, color: 'rgb(120 120 130)', as: isHovered ? 'hovered' : 'suggestion' }
    })
    suggested.sort((a, b) => Number(a.as === 'hovered') - Number(b.as === 'hovered'))
    const shown = of.objects.flatMap((object): ShownMask[] => {
      const isActive = object === active
      const mask = isActive && dragging && preview ? preview : object.visible ? annotator.shown(object) : undefined
      if (!mask) return []
      return [{ mask, outline: outlineOf(mask), color: colorOf(project, object), as: isActive ? 'active' : 'other' }]
    })
    shown.sort((a, b) => Number(a.as === 'active') - Number(b.as === 'active'))
    if (preview && !dragging) shown.push({ mask: preview, color, as: 'preview' })
    return [...suggested, ...shown]
  }

  /** Previews a click of the point tool here, unless it would select another object or hit a handle. */
  function preview(position: Position | undefined, modified: boolean): void {
    const of = picture()
    const plain = { shift: false, alt: modified, secondary: false }
    const previews =
      position &&
      of &&
      annotator.state.tool === 'include' &&
      isInside(position, of) &&
      !selectedByPoint(annotator, { at: position, ...plain })
    annotator.preview(previews ? position : undefined)
  }

  /** The cursor says what a click does. */
  function showCursor(spot: Spot | undefined): void {
    const { tool } = annotator.state
    const on = spot && picture() ? at(spot) : undefined
    const selects =
      on &&
      spot &&
      (tool === 'select' || tool === 'box'
        ? tool === 'select' && annotator.objectAt(on)
        : selectedByPoint(annotator, { ...spot, at: on }))
    canvas.dataset.cursor = spot && handle(spot) ? 'handle' : selects ? 'select' : tool
  }

  /** Uses the tool at a position: the click of a pointer, or Enter. */
  function use(
    position: Position,
    how: Pick<Spot, 'shift' | 'alt' | 'secondary'> & { handle?: Handle | undefined }
  ): void {
    const of = picture()
    if (!of) return
    if (brushing() && !how.secondary) return paint([position])
    if (isInside(position, of)) click(annotator, { ...how, at: position })
  }

  function paint(line: readonly Position[]): void {
    if (!refusesLocked(annotator, annotator.active)) annotator.addStroke(strokeOf(line))
  }

  function finish(): void {
    const done = work
    work = undefined
    const of = picture()
    if (!done || !of) return
    if (done.kind === 'stroke') paint(done.line)
    if (done.kind === 'handle') {
      annotator.previewPrompts(undefined)
      annotator.act(project => dropHandle(project, done))
    }
    if (done.kind === 'box') {
      const box = boxOf(done.from, done.to)
      if (box) annotator.act(project => addBox(project, box))
    }
  }

  const move = (next: View): void => {
    fitted = false
    view = next
    refresh()
  }

  const end = listen(canvas, {
    hover(spot) {
      pointer = spot && at(spot)
      cross = undefined
      preview(spot && !handle(spot) && !spot.shift ? pointer : undefined, spot?.alt ?? false)
      showCursor(spot)
      refresh()
    },
    click(spot) {
      cross = undefined
      use(at(spot), { ...spot, handle: handle(spot) })
      refresh()
    },
    drags(spot) {
      const { active, state } = annotator
      if (!picture()) return false
      const held = handle(spot)
      if (held && active && !active.locked) {
        work = { kind: 'handle', handle: held, prompts: { ...active.prompts, from: active.base }, at: at(spot) }
        return true
      }
      return state.tool === 'box' || brushing()
    },
    drag(line) {
      const of = picture()
      if (!of) return
      const positions = line.map(at)
      const last = positions[positions.length - 1]
      pointer = last
      annotator.preview(undefined)
      if (work?.kind === 'handle') {
        work = { ...work, at: clampTo(last, of) }
        annotator.previewPrompts(draggedPrompts(work.prompts, work.handle, work.at))
      } else
        work = brushing()
          ? { kind: 'stroke', line: positions }
          : { kind: 'box', from: clampTo(positions[0], of), to: clampTo(last, of) }
      refresh()
    },
    drop(_, done) {
      if (done) finish()
      else {
        work = undefined
        annotator.previewPrompts(undefined)
      }
      refresh()
    },
    pan: (dx, dy) => move(pan(view, dx, dy)),
    zoom: (factor, spot) => move(zoom(view, factor, [spot.x, spot.y]))
  })

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const

  function key(event: KeyboardEvent): boolean {
    const of = picture()
    if (!of || event.ctrlKey || event.metaKey) return false
    const step = steps[event.key as keyof typeof steps] as (typeof steps)['ArrowUp'] | undefined
    if (step) {
      const length = (event.shiftKey ? 40 : event.altKey ? 1 : 8) / view.scale
      const [x, y] = cross ?? [of.width / 2, of.height / 2]
      cross = clampTo([x + step[0] * length, y + step[1] * length], of)
      if (work?.kind === 'box') work = { ...work, to: cross }
      if (work?.kind === 'stroke') work = { ...work, line: [...work.line, cross] }
      if (!work) preview(cross, false)
      announce(where(of, cross))
    } else if (event.key === 'Enter' && cross) enter(cross, event)
    else if (event.key === 'Escape') {
      if (work) {
        work = undefined
        announce('Cancelled')
      } else annotator.act(project => select(project, undefined))
    } else return false
    refresh()
    return true
  }

  /** With the box, two Enters set opposite corners; with a brush they begin and end a stroke. */
  function enter(position: Position, { shiftKey, altKey }: KeyboardEvent): void {
    const { tool } = annotator.state
    const [x, y] = position.map(Math.round)
    if (work) {
      finish()
      announce(tool === 'box' ? `Box to ${x}, ${y}` : 'Stroke ended')
    } else if (tool === 'box') {
      work = { kind: 'box', from: position, to: position }
      announce(`Corner at ${x}, ${y}; move to the opposite corner and press Enter`)
    } else if (brushing()) {
      work = { kind: 'stroke', line: [position] }
      announce(`${tool === 'erase' ? 'Erasing' : 'Painting'} from ${x}, ${y}; press Enter to end the stroke`)
    } else {
      const within = handleAt(annotator.active?.prompts, position, 6 / view.scale)
      use(position, { shift: shiftKey, alt: altKey, secondary: false, handle: within })
    }
  }

  function where(of: Picture, position: Position): string {
    const object = annotator.objectAt(position)
    const [x, y] = position.map(Math.round)
    return `${x}, ${y} of ${of.width}, ${of.height}${object ? `, on ${object.name}` : ''}`
  }

  const blur = (): void => {
    cross = undefined
    if (work?.kind === 'box' || work?.kind === 'stroke') work = undefined
    refresh()
  }
  canvas.addEventListener('blur', blur)
  const resized = new ResizeObserver(refresh)
  resized.observe(canvas)
  const unsubscribe = annotator.subscribe(refresh)
  refresh()

  return {
    refresh,
    fit() {
      fitted = true
      refresh()
    },
    zoom: factor => move(zoom(view, factor, [canvas.clientWidth / 2, canvas.clientHeight / 2])),
    onCanvas: position => toScreen(view, position),
    key,
    dispose() {
      end()
      unsubscribe()
      resized.disconnect()
      canvas.removeEventListener('blur', blur)
      cancelAnimationFrame(frame)
    }
  }
}
