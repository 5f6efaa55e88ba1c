import { describe, expect, it } from 'vitest'
import {
  activeObject,
  addPoint,
  addStroke,
  change,
  clearPrompts,
  colorOf,
  emptySession,
  forgetMasks,
  isEmpty,
  newObject,
  removeObject,
  select,
  setBox,
  setPhrase
} from './session.js'

const point = { x: 1, y: 2, label: 'foreground' } as const

describe('session', () => {
  it('adds prompts to the active object and keeps the mask to refine', () => {
    const logits = new Float32Array(4)
    const session = addPoint(addPoint(emptySession, point), { ...point, label: 'background' }, logits)
    expect(activeObject(session).prompts).toEqual({
      points: [point, { ...point, label: 'background' }],
      strokes: [],
      from: logits
    })
    expect(activeObject(addStroke(session, { radius: 3, erase: false, line: [[0, 0]] })).prompts.from).toBe(logits)
  })

  it('setPhrase: replaces the prompts, and names the object unless the user has named it', () => {
    const star = setPhrase(addPoint(emptySession, point), 'a red star')
    expect(activeObject(star)).toMatchObject({
      name: 'a red star',
      prompts: { points: [], strokes: [], phrase: 'a red star' }
    })
    expect(isEmpty(activeObject(star).prompts)).toBe(false)
    expect(activeObject(setPhrase(star, 'a disc')).name).toBe('a disc')
    expect(activeObject(setPhrase(change(star, 1, { name: 'mine' }), 'a disc')).name).toBe('mine')
    expect(activeObject(addPoint(star, point)).prompts).toMatchObject({ phrase: 'a red star', points: [point] })
  })

  it('resets the choice after a new prompt, and replaces the prompts with a box', () => {
    const chosen = change(addPoint(emptySession, point), 1, { choice: 2 })
    expect(activeObject(addPoint(chosen, point)).choice).toBe(0)
    expect(activeObject(setBox(chosen, [0, 0, 5, 5])).prompts).toEqual({ points: [], strokes: [], box: [0, 0, 5, 5] })
    expect(isEmpty(activeObject(clearPrompts(chosen)).prompts)).toBe(true)
  })

  it('newObject: reuses an empty object before it creates one', () => {
    expect(newObject(emptySession)).toEqual(emptySession)
    const two = newObject(addPoint(emptySession, point))
    expect([two.objects.length, two.active]).toEqual([2, 2])
    expect(newObject(select(two, 1))).toEqual(two)
  })

  it('removeObject: leaves at least one object, and one of them active', () => {
    const two = newObject(addPoint(emptySession, point))
    expect(removeObject(two, 2).active).toBe(1)
    expect(removeObject(two, 1).active).toBe(2)
    expect(removeObject(emptySession, 1)).toBe(emptySession)
  })

  it('forgetMasks: drops masks and choices, and keeps the prompts', () => {
    const session = change(addPoint(emptySession, point, new Float32Array(1)), 1, { choice: 1 })
    expect(activeObject(forgetMasks(session))).toMatchObject({
      choice: 0,
      prompts: { points: [point], from: undefined }
    })
  })

  it('colorOf: gives objects distinct colours', () => {
    expect(new Set([1, 2, 3, 4, 5, 6, 7].map(id => colorOf({ id }))).size).toBe(7)
  })
})
