import type { Box, Mask, Point } from '@sam/core'
import { select } from './document/objects.js'
import { pictureOf, type AnnotatedObject, type Position, type Project } from './document/project.js'
import { isSameContent } from './document/project-history.js'
import { addBox } from './document/prompts.js'
import type { Annotator, Tool } from './store/annotator.js'
import { createAnnotator } from './store/create-annotator.js'
import type { SamLike } from './store/sam-like.js'
import { handleKey } from './stage/keys.js'
import type { Outline } from './stage/draw.js'
import { createStage, type Stage } from './stage/stage.js'

/** The events of `<sam-annotator>`. */
export interface SamAnnotatorEventMap {
  /** The document changed: objects, prompts, masks that were predicted, pictures, categories. */
  change: CustomEvent<{ readonly project: Project }>
  /** The selected object or the picture that is shown changed. */
  select: CustomEvent<{ readonly object: AnnotatedObject | undefined }>
  /** The picture that is shown was encoded: prompts are predicted at once. */
  ready: CustomEvent<undefined>
  /** A new line on what happened, for the user. */
  status: CustomEvent<{ readonly text: string }>
  /** Something failed; `message` is for the user. */
  failure: CustomEvent<{ readonly error: Error }>
}

/** An object of the picture that is shown, with its mask. */
export type ObjectWithMask = AnnotatedObject & {
  /** Undefined until it is predicted. Can be empty. */
  readonly mask: Mask | undefined
}

const style = `
:host { display: block; position: relative; min-height: 8rem; overflow: hidden; touch-action: none; }
:host([hidden]) { display: none; }
canvas { position: absolute; inset: 0; width: 100%; height: 100%; outline: none; touch-action: none; user-select: none;
  -webkit-user-select: none; cursor: crosshair; }
canvas:focus-visible { outline: 2px solid var(--sam-annotator-focus, #2563eb); outline-offset: -2px; }
canvas[data-cursor='hand'] { cursor: grab; }
canvas[data-cursor='hand']:active { cursor: grabbing; }
canvas[data-cursor='select'] { cursor: pointer; }
canvas[data-cursor='handle'] { cursor: move; }
canvas[data-cursor='brush'], canvas[data-cursor='erase'] { cursor: none; }
[role='status'] { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
`

const help =
  'Picture. Arrow keys move a crosshair; Enter uses the tool there: it sets a point or the corners of a box, or begins ' +
  'and ends a stroke'

// Servers that render pages import this module too; they have no elements.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/**
 * `<sam-annotator>`: a picture with its objects, on which a user marks objects by points, boxes and a brush. Give it a
 * model (`sam`) and pictures (`open`), and a size by CSS.
 *
 * @example
 * const element = document.querySelector('sam-annotator')
 * element.sam = await connectSam(worker)
 * await element.open(file)
 * element.addEventListener('change', () => console.log(element.objects.map(({ name, mask }) => [name, mask?.area])))
 */
export class SamAnnotatorElement extends Base {
  #annotator: Annotator | undefined
  #stage: Stage | undefined
  #unsubscribe: (() => void) | undefined
  #canvas: HTMLCanvasElement | undefined
  #status: HTMLElement | undefined
  #announced = 0
  #outlines: ReadonlyMap<Mask, Outline> | undefined

  /** The annotator that is shown. Set it before the element is connected to show one that exists already. */
  get annotator(): Annotator {
    return (this.#annotator ??= createAnnotator())
  }

  set annotator(annotator: Annotator) {
    if (annotator === this.#annotator) return
    this.#annotator = annotator
    if (this.isConnected) {
      this.disconnectedCallback()
      this.connectedCallback()
    }
  }

  /** The model: a `Sam`, or a `RemoteSam` of `@sam/worker`. You dispose of it. */
  get sam(): SamLike | undefined {
    return this.annotator.state.sam
  }

  set sam(sam: SamLike | undefined) {
    this.annotator.setSam(sam ?? undefined)
  }

  /** What a click or drag does. Default `include`. */
  get tool(): Tool {
    return this.annotator.state.tool
  }

  set tool(tool: Tool) {
    this.annotator.set({ tool })
  }

  /** Diameter of the brush on the screen, in CSS pixels. Default 36. */
  get brush(): number {
    return this.annotator.state.brush
  }

  set brush(brush: number) {
    this.annotator.set({ brush })
  }

  /** Space at the bottom that something else covers, such as a toolbar, in CSS pixels. Default 0. */
  marginBottom = 0
  /** The same at the top. Default 0. */
  marginTop = 0

  /**
   * Outlines to draw in place of those of the objects' masks, such as the simplified ones that an export writes. A mask
   * that is not among them is drawn as it is. Default: undefined.
   */
  get outlines(): ReadonlyMap<Mask, Outline> | undefined {
    return this.#outlines
  }

  set outlines(outlines: ReadonlyMap<Mask, Outline> | undefined) {
    if (outlines === this.#outlines) return
    this.#outlines = outlines
    this.#stage?.refresh()
  }

  /** The document. */
  get project(): Project {
    return this.annotator.project
  }

  /** The objects of the picture that is shown, with their masks. */
  get objects(): readonly ObjectWithMask[] {
    const { annotator } = this
    return (annotator.picture?.objects ?? []).map(object => ({ ...object, mask: annotator.maskOf(object) }))
  }

  /**
   * Adds pictures and shows the first of them. Resolves when they are decoded; the event `ready` says when the model
   * has encoded the first. Of files that cannot be decoded, the event `failure` says the names.
   */
  async open(files: Blob | readonly Blob[]): Promise<void> {
    await this.annotator.addPictures(
      [files].flat().map(blob => ({ blob, name: 'name' in blob ? String(blob.name) : 'image' }))
    )
  }

  /** Adds a point to the selected object, or to a new one, in pixels of the picture. */
  addPoint(point: Point): void {
    this.annotator.addPoint(point)
  }

  /** Adds an object with a box, in pixels of the picture. */
  addBox(box: Box): void {
    this.annotator.act(project => addBox(project, box))
  }

  /** Paints a line with a round brush into the selected object, or into a new one, in pixels of the picture. */
  addStroke(line: readonly Position[], { radius, erase = false }: { radius: number; erase?: boolean }): void {
    this.annotator.addStroke({ line, radius, erase })
  }

  /** Selects an object by its id. Undefined: the next prompt or stroke begins a new object. */
  select(id?: number): void {
    this.annotator.act(project => select(project, id))
  }

  undo(): void {
    this.annotator.undo()
  }

  redo(): void {
    this.annotator.redo()
  }

  /** Fits the picture into the element. */
  fit(): void {
    this.#stage?.fit()
  }

  /** Zooms around the middle. */
  zoom(factor: number): void {
    this.#stage?.zoom(factor)
  }

  /** Where a position of the picture is in the window, in CSS pixels, as `clientX` and `clientY` of events. */
  toPage(at: Position): Position {
    const { left, top } = this.getBoundingClientRect()
    const [x, y] = this.#stage?.onCanvas(at) ?? [0, 0]
    return [left + x, top + y]
  }

  /** Handles a shortcut, as it does while it has the focus: for pages that handle keys for all their elements. */
  handleKey(event: KeyboardEvent): boolean {
    return this.#stage !== undefined && handleKey(this.annotator, this.#stage, event)
  }

  override focus(options?: FocusOptions): void {
    this.#canvas?.focus(options)
  }

  override addEventListener<K extends keyof SamAnnotatorEventMap>(
    type: K,
    listener: (this: SamAnnotatorElement, event: SamAnnotatorEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions
  ): void
  override addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: SamAnnotatorElement, event: HTMLElementEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions
  ): void
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions
  ): void
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions
  ): void {
    super.addEventListener(type, listener, options)
  }

  connectedCallback(): void {
    const canvas = (this.#canvas ??= this.#render())
    const { annotator } = this
    this.#stage = createStage(canvas, annotator, {
      margins: () => ({ top: this.marginTop + 20, bottom: this.marginBottom + 20, side: 20 }),
      announce: text => this.#announce(text),
      outlineOf: mask => this.#outlines?.get(mask)
    })
    let before = annotator.state
    this.#unsubscribe = annotator.subscribe(() => {
      const now = annotator.state
      const [past, project] = [before.history.present, now.history.present]
      const { ready, error, status, predictions, tool } = before
      before = now
      if (now.tool !== tool) canvas.dataset.cursor = now.tool
      if (!isSameContent(past, project) || now.predictions !== predictions) this.#emit('change', { project })
      if (past.current !== project.current || pictureOf(past)?.active !== annotator.picture?.active)
        this.#emit('select', { object: annotator.active })
      if (now.ready && !ready) this.#emit('ready', undefined)
      if (now.status !== status) this.#emit('status', { text: now.status })
      if (now.error && now.error !== error) this.#emit('failure', { error: now.error })
    })
    canvas.dataset.cursor = annotator.state.tool
  }

  disconnectedCallback(): void {
    this.#unsubscribe?.()
    this.#stage?.dispose()
    this.#stage = undefined
    clearTimeout(this.#announced)
  }

  #render(): HTMLCanvasElement {
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    root.adoptedStyleSheets = [sheet]
    const canvas = document.createElement('canvas')
    canvas.tabIndex = 0
    canvas.part.add('canvas')
    canvas.setAttribute('role', 'application')
    canvas.setAttribute('aria-label', help)
    canvas.addEventListener('keydown', event => {
      if (this.#stage?.key(event) || this.handleKey(event)) {
        event.preventDefault()
        event.stopPropagation()
      }
    })
    const status = (this.#status = document.createElement('div'))
    status.setAttribute('role', 'status')
    root.append(canvas, status)
    return canvas
  }

  /** Not at once: of a key that repeats, only the last position is said. */
  #announce(text: string): void {
    clearTimeout(this.#announced)
    this.#announced = window.setTimeout(() => (this.#status!.textContent = text), 150)
  }

  #emit<K extends keyof SamAnnotatorEventMap>(type: K, detail: SamAnnotatorEventMap[K]['detail']): void {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'sam-annotator': SamAnnotatorElement
  }
}

if (globalThis.customElements && !customElements.get('sam-annotator'))
  customElements.define('sam-annotator', SamAnnotatorElement)
