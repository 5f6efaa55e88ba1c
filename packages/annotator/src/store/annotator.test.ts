import { BackendError, type AutomaticMask } from '@sam/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fakeSam, height, rectangle, settle, width, type Fake } from '../../test/fake-sam.js'
import { changeObject, removeObjects, select } from '../document/objects.js'
import { addBox } from '../document/prompts.js'
import { removePicture, showPicture } from '../document/pictures.js'
import { click } from '../stage/click.js'
import type { Annotator } from './annotator.js'
import { createAnnotator } from './create-annotator.js'

const picture = (name: string) => ({ name, blob: new Blob(['pixels'], { type: 'image/png' }) })
const at = (x: number, y: number) => ({ x, y, label: 'foreground' }) as const
const plain = { shift: false, alt: false, secondary: false }

let fake: Fake
let annotator: Annotator
beforeEach(async () => {
  vi.stubGlobal('createImageBitmap', async (blob: Blob) => {
    if ((await blob.text()) !== 'pixels') throw new Error('no pixels')
    return { width, height, close() {} }
  })
  fake = fakeSam()
  annotator = createAnnotator()
  annotator.setSam(fake.sam)
  await annotator.addPictures([picture('a.png'), picture('b.png'), picture('c.png')])
  await settle()
})
afterEach(() => vi.unstubAllGlobals())

const areas = (): (number | undefined)[] => annotator.picture!.objects.map(object => annotator.maskOf(object)?.area)
const pictureAt = (index: number): string => annotator.project.pictures[index].id

describe('pictures', () => {
  it('are added without the loss of others, and encoded when they are shown', async () => {
    expect(annotator.project.pictures.map(({ name }) => name)).toEqual(['a.png', 'b.png', 'c.png'])
    expect([annotator.picture!.name, annotator.state.ready, fake.encoded]).toEqual(['a.png', true, 1])
    annotator.addPoint(at(20, 20))
    await annotator.addPictures([picture('d.png')])
    expect([annotator.picture!.name, annotator.project.pictures[0].objects.length]).toEqual(['d.png', 1])
  })
  it('that cannot be decoded are named, and the others are added', async () => {
    await annotator.addPictures([picture('d.png'), { name: 'broken.png', blob: new Blob(['x']) }])
    expect(annotator.project.pictures).toHaveLength(4)
    expect(annotator.state.error!.message).toContain('broken.png cannot be decoded')
  })
  it('stay when steps are undone, and are encoded once while they are kept in memory', async () => {
    annotator.addPoint(at(20, 20))
    await annotator.addPictures([picture('d.png')])
    await settle()
    annotator.undo()
    await settle()
    expect([annotator.project.pictures.length, annotator.picture!.name, fake.encoded]).toEqual([4, 'a.png', 2])
    expect(annotator.state.history.past).toEqual([])
    expect(annotator.state.ready).toBe(true)
  })
  it('undo goes to the picture where it acts', async () => {
    annotator.addPoint(at(20, 20))
    annotator.act(project => showPicture(project, pictureAt(2)))
    annotator.addPoint(at(10, 10))
    annotator.act(project => showPicture(project, pictureAt(1)))
    annotator.undo()
    expect(annotator.picture!.name).toBe('c.png')
    annotator.undo()
    expect([annotator.picture!.name, annotator.picture!.objects]).toEqual(['a.png', []])
    await settle()
    annotator.redo()
    await settle()
    expect(areas()).toEqual([121])
  })
  it('return with their pixels and masks when their removal is undone', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    const { id } = annotator.picture!
    annotator.act(project => removePicture(project, id))
    annotator.undo()
    await settle()
    expect([annotator.picture!.id, annotator.blobOf(id)?.size, areas()]).toEqual([id, 6, [121]])
  })
})

describe('predictions', () => {
  it('a point gives three masks to choose from; only those can be chosen', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    annotator.choose(2)
    expect(areas()).toEqual([49])
    annotator.choose(7)
    expect(annotator.active!.choice).toBe(2)
    const chosen = annotator.refined()
    annotator.addPoint(at(22, 20))
    await settle()
    expect(fake.asked.at(-1)!.mask).toBe(chosen)
    expect(annotator.candidates(annotator.active!)).toHaveLength(1)
  })
  it('that nothing needs any more are aborted, and the mask before is shown while one is pending', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    fake.hold = true
    annotator.addPoint(at(30, 20))
    annotator.addPoint(at(40, 20))
    expect(annotator.shown(annotator.active!)!.boxXyxy[0]).toBe(15)
    expect(annotator.maskOf(annotator.active!)).toBeUndefined()
    await fake.release()
    expect([fake.aborted(), annotator.maskOf(annotator.active!)!.boxXyxy[0]]).toEqual([1, 35])
  })
  it('an object does not show the mask of an earlier one with its id', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    annotator.act(project => removeObjects(project, [1]))
    fake.hold = true
    annotator.addPoint(at(50, 40))
    expect([annotator.active!.id, annotator.shown(annotator.active!)]).toEqual([1, undefined])
    await fake.release()
  })
  it('an empty mask is said, and is not among the exported objects', async () => {
    fake.empty = true
    annotator.addPoint(at(20, 20))
    await settle()
    expect(annotator.state.status).toContain('the mask is empty')
    expect(annotator.masked()).toEqual([])
  })
  it('another model leaves finished masks as they are, and predicts the next ones', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    const mask = annotator.maskOf(annotator.active!)
    const other = fakeSam()
    annotator.setSam(other.sam)
    await settle()
    expect([annotator.maskOf(annotator.active!), other.asked.length]).toEqual([mask, 0])
    annotator.act(project => addBox(project, [1, 1, 9, 9]))
    await settle()
    expect([other.asked.length, fake.asked.length]).toEqual([1, 1])
  })
  it('are made once a model is there, for prompts that came before it, and that is said', async () => {
    annotator.setSam(undefined)
    annotator.addPoint(at(20, 20))
    expect(annotator.state.status).toContain('No model is loaded yet')
    annotator.setSam(fake.sam)
    await settle()
    expect(areas()).toEqual([121])
  })
  it('encodes again after the device was lost', async () => {
    fake.error = new BackendError('E_DEVICE_LOST', 'gone')
    annotator.addPoint(at(20, 20))
    fake.error = undefined
    await settle()
    expect([fake.encoded, areas()]).toEqual([2, [121]])
  })
})

describe('the brush', () => {
  const stroke = (y: number, erase = false) => ({
    radius: 2,
    erase,
    line: [
      [10, y],
      [30, y]
    ] as const
  })
  it('a first stroke prompts the model and is part of the mask', async () => {
    annotator.addStroke(stroke(20))
    const painted = annotator.maskOf(annotator.active!)!
    expect(painted.area).toBeGreaterThan(80) // before any prediction
    await settle()
    expect(fake.asked.at(-1)!.points).toHaveLength(4)
    const mask = annotator.maskOf(annotator.active!)!
    expect(mask.sharedArea(painted)).toBe(painted.area)
    expect(mask.area).toBeGreaterThan(painted.area)
    expect(annotator.masked()[0].mask).toBe(mask)
  })
  it('gives a mask that is not empty even where the model gives an empty one', async () => {
    fake.empty = true
    annotator.addStroke(stroke(20))
    await settle()
    expect(annotator.masked()[0].mask.area).toBeGreaterThan(80)
  })
  it('stays literal after further prompts, painted and erased', async () => {
    annotator.addPoint(at(20, 20))
    await settle()
    annotator.addStroke(stroke(40))
    annotator.addStroke(stroke(20, true))
    const asked = fake.asked.length
    await settle()
    expect(fake.asked).toHaveLength(asked) // strokes on a mask ask nothing of the model
    annotator.addPoint(at(24, 22))
    await settle()
    const bits = annotator.maskOf(annotator.active!)!.bitmap()
    expect([bits[40 * width + 20], bits[20 * width + 20]]).toEqual([1, 0])
  })
  it('erasing without an object says so and changes nothing', () => {
    annotator.addStroke(stroke(20, true))
    expect([annotator.picture!.objects, annotator.state.status]).toEqual([
      [],
      expect.stringContaining('Select an object')
    ])
  })
})

describe('a phrase', () => {
  const found = (x: number, score: number) => {
    const mask = rectangle([x, 0, x + 8, 8])
    return { mask, box: mask.boxXyxy, score, predictedIou: 0.9 }
  }
  it('adds all objects that it finds, with their scores, and another phrase adds more', async () => {
    fake.found = [found(0, 0.9), found(20, 0.7)]
    await annotator.addPhrase('a wheel')
    expect(annotator.picture!.objects.map(({ name, score }) => [name, score])).toEqual([
      ['a wheel 1', 0.9],
      ['a wheel 2', 0.7]
    ])
    expect(annotator.state.status).toBe('“a wheel”: 2 added, score 90%, 70%')
    fake.found = [found(20, 0.6), found(40, 0.8)]
    await annotator.addPhrase('a lamp')
    expect(annotator.picture!.objects.map(({ name }) => name)).toEqual(['a wheel 1', 'a wheel 2', 'a lamp'])
    expect(annotator.state.status).toContain('1 of 2 marked already')
    expect(annotator.masked()).toHaveLength(3)
  })
  it('says that it is not here', async () => {
    await annotator.addPhrase('a bicycle')
    expect([annotator.state.status, annotator.picture!.objects]).toEqual(['“a bicycle” is not here', []])
  })
  it('needs a text encoder, and says so', async () => {
    annotator.setSam({ ...fake.sam, text: undefined })
    await settle()
    await annotator.addPhrase('a wheel')
    expect(annotator.state.error!.message).toContain('no text encoder')
  })
})

describe('everything', () => {
  const automatic = (x: number, size: number): AutomaticMask => {
    const mask = rectangle([x, 0, x + size, size])
    return {
      mask,
      point: { x, y: 0 },
      tokenIndex: 0,
      stability: 1,
      box: mask.boxXyxy,
      area: mask.area,
      crop: [0, 0, width, height]
    }
  }
  const [whole, part, other] = [automatic(0, 20), automatic(2, 6), automatic(40, 10)]
  beforeEach(async () => {
    fake.updates = [
      { added: [whole, other], removed: [], done: 1, total: 2 },
      { added: [part], removed: [other], done: 2, total: 2 }
    ]
    await annotator.generate()
  })
  it('suggests masks as they arrive, and levels of them by the tree', () => {
    expect(annotator.suggestions()).toEqual([whole, part])
    annotator.set({ level: 'whole' })
    expect(annotator.suggestions()).toEqual([whole])
    annotator.set({ level: 'part' })
    expect(annotator.suggestions()).toEqual([part])
  })
  it('a click with the select tool picks the smallest suggestion, and undo returns it', () => {
    annotator.set({ tool: 'select' })
    click(annotator, { ...plain, at: [4, 3] })
    expect([annotator.suggestions(), areas()]).toEqual([[whole], [36]])
    annotator.undo()
    expect([annotator.suggestions(), areas()]).toEqual([[whole, part], []])
  })
  it('Shift adds a suggestion to the selected object, Alt subtracts it', () => {
    annotator.set({ tool: 'select' })
    click(annotator, { ...plain, at: [15, 15] })
    expect(areas()).toEqual([400])
    click(annotator, { ...plain, at: [4, 3], alt: true })
    expect(areas()).toEqual([364])
    click(annotator, { ...plain, at: [4, 3], shift: true })
    expect([areas(), annotator.suggestions()]).toEqual([[400], []])
  })
  it('objects merge into the first of them', () => {
    annotator.pick([whole, part])
    annotator.merge([2, 1])
    expect([areas(), annotator.active!.id]).toEqual([[400], 2])
  })
})

describe('click', () => {
  beforeEach(async () => {
    annotator.addPoint(at(10, 10))
    await settle()
    annotator.act(project => select(project, undefined))
    annotator.addPoint(at(40, 30))
    await settle()
  })
  it('on the mask of another object selects it, and does not change the selected one', () => {
    click(annotator, { ...plain, at: [12, 12] })
    expect([annotator.active!.id, annotator.active!.prompts.points.length]).toEqual([1, 1])
    expect(annotator.state.status).toContain('Object 1 selected')
  })
  it('on the mask of another object adds a point with Alt, or if that object is locked or hidden', () => {
    click(annotator, { ...plain, at: [12, 12], alt: true })
    expect([annotator.active!.id, annotator.active!.prompts.points.length]).toEqual([2, 2])
    annotator.act(project => changeObject(project, 1, { locked: true }))
    click(annotator, { ...plain, at: [12, 12] })
    expect([annotator.active!.id, annotator.active!.prompts.points.length]).toEqual([2, 3])
  })
  it('with the right button adds a background point to the selected object, wherever it is', () => {
    click(annotator, { ...plain, at: [12, 12], secondary: true })
    expect(annotator.active!.prompts.points.map(({ label }) => label)).toEqual(['foreground', 'background'])
  })
  it('a background point without an object says what to do', () => {
    annotator.act(project => select(project, undefined))
    click(annotator, { ...plain, at: [60, 40], secondary: true })
    expect([annotator.picture!.objects.length, annotator.state.status]).toEqual([
      2,
      expect.stringContaining('click the object first')
    ])
  })
  it('on a point of the selected object removes it', async () => {
    click(annotator, { ...plain, at: [40, 30], handle: { point: 0 } })
    expect(annotator.active!.prompts.points).toEqual([])
    expect(annotator.masked()).toHaveLength(1)
  })
  it('of the select and box tools selects what is there, or nothing', () => {
    annotator.set({ tool: 'select' })
    click(annotator, { ...plain, at: [12, 12] })
    expect(annotator.active!.id).toBe(1)
    annotator.set({ tool: 'box' })
    click(annotator, { ...plain, at: [62, 2] })
    expect(annotator.active).toBeUndefined()
  })
  it('with Shift or the right button on a point adds a background point there', () => {
    click(annotator, { ...plain, at: [40, 30], shift: true, handle: { point: 0 } })
    expect(annotator.active!.prompts.points.map(({ label }) => label)).toEqual(['foreground', 'background'])
  })
  it('on a locked object changes nothing and says why', () => {
    annotator.act(project => changeObject(project, 2, { locked: true }))
    click(annotator, { ...plain, at: [60, 2] })
    expect(annotator.active!.prompts.points).toHaveLength(1)
    expect(annotator.state.status).toContain('is locked')
  })
})
