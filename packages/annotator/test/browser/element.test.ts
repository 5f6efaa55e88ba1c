import { createElement, createRef } from 'react'
import { createRoot } from 'react-dom/client'
import { flushSync } from 'react-dom'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pictureOf, type SamAnnotatorElement, select } from '../../src/index.js'
import { SamAnnotator } from '../../src/react.js'
import { autosave, type Autosave, type SaveState } from '../../src/storage/index.js'
import { createAnnotator } from '../../src/store/create-annotator.js'
import { toScreen, fit } from '../../src/stage/view.js'
import { fakeSam, height, settle, width, type Fake } from '../fake-sam.js'

async function file(name = 'photo.png'): Promise<File> {
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d')!.fillRect(0, 0, width, height)
  return new File([await canvas.convertToBlob({ type: 'image/png' })], name, { type: 'image/png' })
}

const event = (element: EventTarget, type: string): Promise<unknown> =>
  new Promise(resolve => element.addEventListener(type, resolve, { once: true }))

let fake: Fake
let element: SamAnnotatorElement
let canvas: HTMLCanvasElement
beforeEach(async () => {
  fake = fakeSam()
  element = document.createElement('sam-annotator')
  element.style.cssText = 'width: 440px; height: 340px'
  document.body.append(element)
  canvas = element.shadowRoot!.querySelector('canvas')!
  element.sam = fake.sam
  const ready = event(element, 'ready')
  await element.open(await file())
  await ready
  await frame()
})
afterEach(() => element.remove())

const frame = (): Promise<void> =>
  new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))
const view = () => fit({ width, height }, { width: 440, height: 340 }, { top: 20, bottom: 20, side: 20 })
/** A pointer event at a position of the picture, moved on the screen by some CSS pixels. */
function pointer(
  type: string,
  [x, y]: readonly [number, number],
  more: PointerEventInit & { by?: readonly [number, number] } = {}
): void {
  const { left, top } = canvas.getBoundingClientRect()
  const [sx, sy] = toScreen(view(), [x, y])
  const [dx, dy] = more.by ?? [0, 0]
  canvas.dispatchEvent(
    new PointerEvent(type, {
      pointerId: 1,
      pointerType: 'mouse',
      button: 0,
      buttons: 1,
      bubbles: true,
      cancelable: true,
      ...more,
      clientX: left + sx + dx,
      clientY: top + sy + dy
    })
  )
}
async function drag(
  from: readonly [number, number],
  to: readonly [number, number],
  more: PointerEventInit = {}
): Promise<void> {
  pointer('pointerdown', from, more)
  for (const part of [0.25, 0.5, 0.75, 1])
    pointer('pointermove', [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])], more)
  pointer('pointerup', to, more)
  await settle()
}
async function click(at: readonly [number, number], more: PointerEventInit = {}): Promise<void> {
  pointer('pointerdown', at, more)
  pointer('pointerup', at, more)
  await settle()
}
const key = (name: string, more: KeyboardEventInit = {}): boolean =>
  canvas.dispatchEvent(
    new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, composed: true, ...more })
  )
const pixel = (x: number, y: number): number[] => {
  const ratio = canvas.width / 440
  const [sx, sy] = toScreen(view(), [x, y])
  return [...canvas.getContext('2d')!.getImageData(Math.round(sx * ratio), Math.round(sy * ratio), 1, 1).data]
}

describe('<sam-annotator>', () => {
  it('segments what is clicked, draws it, and says so by events', async () => {
    const before = pixel(20, 20)
    const changed = event(element, 'change')
    await click([20, 20])
    await changed
    await frame()
    expect(element.objects.map(({ name, mask }) => [name, mask?.area])).toEqual([['Object 1', 121]])
    expect(pixel(17, 20)).not.toEqual(before)
    element.undo()
    expect(element.objects).toEqual([])
    element.redo()
    expect(element.objects[0].mask!.area).toBe(121)
  })

  it('draws other outlines in place of those of the masks, with the vertices of the selected object', async () => {
    await click([20, 20])
    await frame()
    const black = [0, 0, 0, 255]
    expect(pixel(40, 20)).toEqual(black)
    expect(pixel(17, 20)).not.toEqual(black)
    const [{ id, mask }] = element.objects
    const path = new Path2D('M30 10L50 10L50 40L30 40Z')
    element.outlines = new Map([[mask!, { path, vertices: Float32Array.of(30, 10, 50, 10, 50, 40, 30, 40) }]])
    await frame()
    expect(pixel(40, 20)).not.toEqual(black)
    expect(pixel(17, 20)).toEqual(black)
    const white = [255, 255, 255, 255]
    expect(pixel(50, 40)).toEqual(white)
    expect(pixel(50, 30)).not.toEqual(white)
    element.select()
    await frame()
    expect(pixel(50, 40)).not.toEqual(white)
    // A mask that has no other outline is drawn as it is.
    element.select(id)
    element.outlines = new Map()
    await frame()
    expect(pixel(40, 20)).toEqual(black)
    expect(pixel(17, 20)).not.toEqual(black)
  })

  it('a click that trembles by 5 pixels is a click, and a longer drag pans; neither is a box', async () => {
    pointer('pointerdown', [20, 20])
    pointer('pointermove', [20, 20], { by: [4, 3] })
    pointer('pointerup', [20, 20], { by: [4, 3] })
    await settle()
    const [point] = element.objects[0].prompts.points
    expect([Math.round(point.x), Math.round(point.y), element.objects[0].prompts.box]).toEqual([20, 20, undefined])
    await drag([40, 40], [50, 40])
    expect(element.objects).toHaveLength(1)
    await frame()
    // The picture lies 10 of its pixels further right.
    await click([60, 40])
    expect(element.objects[0].prompts.points[1].x).toBeCloseTo(50, 0)
  })

  it('the box tool draws a box, whose corners can be dragged, with the prediction following', async () => {
    element.tool = 'box'
    await drag([10, 10], [30, 30])
    expect(element.objects[0].mask!.boxXyxy).toEqual([10, 10, 30, 30])
    const asked = fake.asked.length
    await drag([30, 30], [40, 36])
    expect(fake.asked.length).toBeGreaterThan(asked + 1) // previews, and the last one
    expect(element.objects.map(({ mask }) => mask!.boxXyxy)).toEqual([[10, 10, 40, 36]])
    element.undo()
    expect(element.objects[0].mask!.boxXyxy).toEqual([10, 10, 30, 30])
  })

  it('points can be dragged, and are removed by a click', async () => {
    await click([20, 20])
    await drag([20, 20], [40, 30])
    expect(element.objects[0].mask!.boxXyxy).toEqual([35, 25, 46, 36])
    await click([40, 30])
    expect(element.objects[0].prompts.points).toEqual([])
  })

  it('the right button adds a background point, and space, the middle button and a scroll pan', async () => {
    await click([20, 20])
    await click([50, 40], { button: 2, buttons: 2 })
    expect(element.objects[0].prompts.points.map(({ label }) => label)).toEqual(['foreground', 'background'])
    element.tool = 'box'
    await drag([10, 40], [20, 45], { button: 1, buttons: 4 })
    key(' ')
    await drag([10, 40], [20, 45])
    document.dispatchEvent(new KeyboardEvent('keyup', { key: ' ' }))
    expect(element.objects).toHaveLength(1)
    // Both pans moved the picture by (10, 5); this scroll moves it back.
    const { scale } = view()
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaX: 20 * scale, deltaY: 10 * scale, cancelable: true }))
    await drag([2, 2], [8, 8])
    const box = element.objects[1].prompts.box!
    expect(box.map(Math.round)).toEqual([2, 2, 8, 8])
  })

  it('Ctrl and the wheel zoom around the pointer', async () => {
    const { left, top } = canvas.getBoundingClientRect()
    const [sx, sy] = toScreen(view(), [32, 24])
    canvas.dispatchEvent(
      new WheelEvent('wheel', { deltaY: -30, ctrlKey: true, clientX: left + sx, clientY: top + sy, cancelable: true })
    )
    await click([32, 24])
    await click([42, 24])
    const [middle, right] = element.objects[0].prompts.points
    expect(middle.x).toBeCloseTo(32, 0)
    expect(right.x - 32).toBeCloseTo(10 / Math.exp(0.3), 1)
  })

  it('two fingers pan and zoom, and draw nothing', async () => {
    element.tool = 'brush'
    const touch = (type: string, id: number, at: readonly [number, number]) =>
      pointer(type, at, { pointerId: id, pointerType: 'touch' })
    touch('pointerdown', 1, [20, 20])
    touch('pointermove', 1, [24, 24])
    touch('pointerdown', 2, [40, 20])
    touch('pointermove', 2, [50, 20])
    touch('pointerup', 1, [24, 24])
    touch('pointerup', 2, [50, 20])
    await settle()
    expect(element.objects).toEqual([])
  })

  it('the brush paints and erases what its strokes cover, to the pixel', async () => {
    element.tool = 'brush'
    element.brush = 4 * view().scale
    await drag([10, 40.5], [30, 40.5])
    const { mask } = element.objects[0]
    const covered = (line: readonly [number, number]) => mask!.bitmap()[line[1] * width + line[0]]
    expect([covered([20, 40]), covered([20, 38])]).toEqual([1, expect.any(Number)])
    element.tool = 'erase'
    await drag([15, 40.5], [25, 40.5])
    const erased = element.objects[0].mask!.bitmap()
    expect([erased[40 * width + 20], erased[40 * width + 11]]).toEqual([0, 1])
  })

  it('a click on the mask of another object selects it', async () => {
    await click([15, 15])
    element.select()
    await click([50, 35])
    const selected = event(element, 'select')
    await click([17, 17])
    await selected
    expect([element.annotator.active!.id, element.objects.map(o => o.prompts.points.length)]).toEqual([1, [1, 1]])
  })

  it('Escape ends a drag without a change, and then the selection', async () => {
    element.tool = 'box'
    pointer('pointerdown', [10, 10])
    pointer('pointermove', [30, 30])
    key('Escape')
    pointer('pointerup', [30, 30])
    await settle()
    expect(element.objects).toEqual([])
  })
})

describe('<sam-annotator> by keys', () => {
  const said = async (): Promise<string> => {
    await new Promise(resolve => setTimeout(resolve, 200))
    return element.shadowRoot!.querySelector('[role=status]')!.textContent
  }
  const press = (name: string, times: number): void => {
    for (let i = 0; i < times; i++) key(name, { altKey: true })
  }

  it('moves a crosshair, says its position, and clicks there', async () => {
    key('ArrowRight')
    expect(await said()).toMatch(/^3\d, 24 of 64, 48$/)
    key('Enter')
    await settle()
    expect(element.objects[0].mask!.area).toBe(121)
    key('ArrowLeft')
    expect(await said()).toContain('on Object 1')
  })

  it('sets the corners of a box', async () => {
    element.handleKey(new KeyboardEvent('keydown', { key: 'b' }))
    press('ArrowLeft', 40)
    key('Enter')
    expect(await said()).toContain('move to the opposite corner')
    press('ArrowRight', 60)
    press('ArrowDown', 40)
    key('Enter')
    await settle()
    const { scale } = view()
    expect(element.objects[0].prompts.box!.map(Math.round)).toEqual(
      [32 - 40 / scale, 24, 32 + 20 / scale, 24 + 40 / scale].map(Math.round)
    )
  })

  it('begins and ends a stroke', async () => {
    element.tool = 'brush'
    press('ArrowUp', 1)
    key('Enter')
    press('ArrowRight', 30)
    key('Enter')
    await settle()
    expect([element.objects[0].strokes[0].line.length, element.objects[0].mask!.area > 0]).toEqual([31, true])
  })

  it('undoes, redoes, chooses, removes and begins objects', async () => {
    await click([20, 20])
    key('2')
    expect(element.objects[0].choice).toBe(1)
    key('z', { ctrlKey: true })
    expect(element.objects[0].choice).toBe(0)
    key('z', { ctrlKey: true, shiftKey: true })
    expect(element.objects[0].choice).toBe(1)
    key('n')
    expect(element.annotator.active).toBeUndefined()
    key(',')
    key('Delete')
    expect(element.objects).toEqual([])
  })
})

describe('SamAnnotator of React', () => {
  it('passes properties and events, and gives the element', async () => {
    const root = createRoot(document.body.appendChild(document.createElement('div')))
    const ref = createRef<SamAnnotatorElement>()
    const seen: string[] = []
    const render = (tool: 'brush' | 'box', name: string): void =>
      flushSync(() =>
        root.render(
          createElement(SamAnnotator, {
            ref,
            sam: fake.sam,
            tool,
            className: 'mine',
            onChange: () => seen.push(`change ${name}`),
            onReady: () => seen.push(`ready ${name}`)
          })
        )
      )
    render('brush', 'first')
    const made = ref.current!
    expect([made.tool, made.sam, made.className]).toEqual(['brush', fake.sam, 'mine'])
    render('box', 'second')
    expect([ref.current, made.tool]).toEqual([made, 'box'])
    const ready = event(made, 'ready')
    await made.open(await file())
    await ready
    expect(seen).toEqual(['change second', 'ready second'])
    flushSync(() => root.unmount())
    expect(made.isConnected).toBe(false)
  })
})

describe('autosave', () => {
  const open: Autosave[] = []
  const database = `test ${Math.random()}`
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })
  const start = async (onState?: (state: SaveState) => void) => {
    const annotator = createAnnotator()
    const saving = await autosave(annotator, { name: database, onState })
    open.push(saving)
    return { annotator, saving }
  }

  it('brings back pictures, objects, masks and strokes, without predicting them again', async () => {
    const states: string[] = []
    const { annotator, saving } = await start(({ status }) => states.push(status))
    annotator.setSam(fake.sam)
    await annotator.addPictures([
      { blob: await file(), name: 'one.png' },
      { blob: await file(), name: 'two.png' }
    ])
    await settle()
    annotator.addPoint({ x: 20, y: 20, label: 'foreground' })
    await settle()
    annotator.addStroke({ radius: 2, erase: true, line: [[20, 20]] })
    await saving.flush()
    expect([saving.state.status, states]).toEqual(['saved', ['saving', 'saved']])
    const runs = [...annotator.maskOf(annotator.active!)!.runs]
    const { project } = annotator
    open.splice(0)
    await saving.close()

    const again = await start()
    expect(again.annotator.project).toEqual({ ...project, nextCategory: undefined })
    expect([...again.annotator.maskOf(again.annotator.active!)!.runs]).toEqual(runs)
    const asked = fake.asked.length
    again.annotator.setSam(fake.sam)
    await new Promise(resolve => again.annotator.subscribe(() => again.annotator.state.ready && resolve(undefined)))
    await settle()
    expect(fake.asked).toHaveLength(asked)
    expect(again.annotator.state.image!.width).toBe(width)
  })

  it('stores the removal of a picture, and its return', async () => {
    const { annotator, saving } = await start()
    const { id } = pictureOf(annotator.project)!
    annotator.act(project => ({ ...project, pictures: project.pictures.slice(1), current: project.pictures[1].id }))
    await saving.flush()
    annotator.undo()
    await saving.flush()
    await saving.close()
    open.splice(0)
    const again = await start()
    expect(again.annotator.project.pictures.map(picture => picture.name)).toEqual(['one.png', 'two.png'])
    expect(again.annotator.blobOf(id)!.size).toBeGreaterThan(0)
  })

  it('of two tabs, only one stores', async () => {
    await start()
    const second = await start()
    expect([second.saving.state.status, second.annotator.project.pictures]).toEqual(['elsewhere', []])
  })

  it('says that the storage is full, and stores once there is space', async () => {
    const { annotator, saving } = await start()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no space', 'QuotaExceededError')
    })
    annotator.act(project => select(project, undefined))
    await saving.flush()
    put.mockRestore()
    expect(saving.state).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('is full') as string }
    })
    annotator.act(project => select(project, 1))
    await saving.flush()
    expect(saving.state.status).toBe('saved')
  })
})
