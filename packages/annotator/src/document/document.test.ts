import { Mask } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { addCategory, assignCategory, changeCategory, removeCategory } from './categories.js'
import {
  addObjects,
  changeObject,
  duplicateObject,
  mergeObjects,
  removeObjects,
  renameObject,
  select,
  stepObject
} from './objects.js'
import { addPictures, removePicture, showPicture, stepPicture } from './pictures.js'
import { amendProject, redoProject, startProject, stepProject, undoProject } from './project-history.js'
import { activeObject, colorOf, emptyProject, isBlank, objectOf, pictureOf, type Project } from './project.js'
import { addBox, addPoint, addStroke, changeBox, chooseMask, clearPrompts, movePoint, removePoint } from './prompts.js'
import { dismissSuggestions, pickSuggestions, updateSuggestions } from './suggestions.js'

const point = { x: 1, y: 2, label: 'foreground' } as const
const mask = (x: number): Mask => new Mask({ width: 8, height: 8, inside: Int32Array.from([0, x, x + 1]) })
const pictures = ['a', 'b', 'c'].map(id => ({ id, name: `${id}.jpg`, width: 8, height: 8 }))
const start = addPictures(emptyProject, pictures)
const names = (project: Project): string[] => pictureOf(project)!.objects.map(({ name }) => name)

describe('pictures', () => {
  it('addPictures: shows the first of the added ones', () => {
    expect(start.current).toBe('a')
    expect(addPictures(start, [{ ...pictures[0], id: 'd' }]).current).toBe('d')
  })
  it('removePicture: shows the neighbour of a picture that was shown', () => {
    expect(removePicture(start, 'a').current).toBe('b')
    expect(removePicture(showPicture(start, 'c'), 'c').current).toBe('b')
    expect(removePicture(start, 'c').current).toBe('a')
    expect(removePicture(addPictures(emptyProject, pictures.slice(0, 1)), 'a').current).toBeUndefined()
  })
  it('stepPicture: stops at the ends', () => {
    expect(stepPicture(start, 1).current).toBe('b')
    expect(stepPicture(start, -1)).toBe(start)
  })
})

describe('objects', () => {
  it('a prompt without a selected object begins one, and with one adds to it', () => {
    const one = addPoint(start, point)
    expect([names(one), activeObject(addPoint(one, point))!.prompts.points.length]).toEqual([['Object 1'], 2])
    expect(names(addPoint(select(one, undefined), point))).toEqual(['Object 1', 'Object 2'])
  })
  it('a locked object cannot be changed, removed, prompted or merged, but hidden and unlocked', () => {
    const two = addPoint(select(addPoint(start, point), undefined), point)
    const locked = changeObject(two, 2, { locked: true })
    expect(removeObjects(locked, [2])).toBe(locked)
    expect(addPoint(locked, point)).toBe(locked)
    expect(clearPrompts(locked)).toBe(locked)
    expect(renameObject(locked, 2, 'x')).toBe(locked)
    expect(mergeObjects(locked, [1, 2], mask(0))).toBe(locked)
    expect(objectOf(pictureOf(changeObject(locked, 2, { visible: false })), 2)!.visible).toBe(false)
    expect(objectOf(pictureOf(changeObject(locked, 2, { locked: false })), 2)!.locked).toBe(false)
  })
  it('stepObject: goes around the ends, from no selection to the first or last', () => {
    const two = select(addPoint(select(addPoint(start, point), undefined), point), undefined)
    const active = (project: Project) => activeObject(project)?.id
    expect([active(stepObject(two, 1)), active(stepObject(two, -1))]).toEqual([1, 2])
    expect([active(stepObject(select(two, 2), 1)), active(stepObject(select(two, 1), -1))]).toEqual([1, 2])
  })
  it('mergeObjects: keeps the first, with the given mask and no prompts', () => {
    const two = addPoint(select(addPoint(start, point), undefined), point)
    const merged = mergeObjects(two, [2, 1], mask(3))
    expect(names(merged)).toEqual(['Object 2'])
    expect(activeObject(merged)).toMatchObject({ base: mask(3), prompts: { points: [] }, strokes: [] })
  })
  it('duplicateObject: copies the prompts, so that nothing is predicted again', () => {
    const copied = duplicateObject(addPoint(start, point), 1)
    expect(names(copied)).toEqual(['Object 1', 'Object 1 copy'])
    expect(activeObject(copied)!.prompts).toBe(pictureOf(copied)!.objects[0].prompts)
  })
  it('renameObject: falls back to the default name', () => {
    expect(names(renameObject(renameObject(addPoint(start, point), 1, ' cat '), 1, ' '))).toEqual(['Object 1'])
  })
})

describe('prompts', () => {
  const from = mask(5)
  it('a further point refines the mask; a moved or removed one is predicted without it', () => {
    const two = addPoint(addPoint(start, point), { ...point, label: 'background' }, from)
    expect(activeObject(two)!.prompts.from).toBe(from)
    expect(activeObject(movePoint(two, 1, [4, 4]))!.prompts).toMatchObject({
      points: [point, { x: 4, y: 4 }],
      from: undefined
    })
    expect(activeObject(removePoint(two, 0))!.prompts).toMatchObject({
      points: [{ label: 'background' }],
      from: undefined
    })
  })
  it('corrections of a mask that was not predicted refine that mask', () => {
    const found = addObjects(start, [{ base: from }])
    const moved = movePoint(addPoint(found, point, from), 0, [3, 3])
    expect(activeObject(moved)!.prompts.from).toBe(from)
    expect(activeObject(clearPrompts(moved))!.base).toBe(from)
  })
  it('a new prompt resets the choice and shows the object', () => {
    const chosen = changeObject(chooseMask(addPoint(start, point), 2), 1, { visible: false })
    expect(activeObject(chosen)!.choice).toBe(2)
    expect(activeObject(addPoint(chosen, point))).toMatchObject({ choice: 0, visible: true })
  })
  it('addBox: begins an object and changes no other', () => {
    const boxed = addBox(addPoint(start, point), [0, 0, 4, 4])
    expect(names(boxed)).toEqual(['Object 1', 'Object 2'])
    expect(activeObject(changeBox(boxed, [1, 1, 4, 4]))!.prompts.box).toEqual([1, 1, 4, 4])
  })
  it('addStroke: prompts the model with the first stroke only, and keeps all strokes', () => {
    const stroke = { radius: 2, erase: false, line: [[1, 1]] } as const
    const prompts = { points: [point] }
    const one = addStroke(start, stroke, prompts)
    const two = addStroke(one, { ...stroke, erase: true }, { points: [point, point] })
    expect(activeObject(two)).toMatchObject({ prompts, strokes: [stroke, { erase: true }] })
    expect(activeObject(addStroke(addObjects(start, [{ base: from }]), stroke, prompts))!.prompts.points).toEqual([])
    expect(activeObject(addPoint(two, point))!.strokes).toHaveLength(2)
  })
  it('an object whose last prompt is removed is blank', () => {
    expect(isBlank(activeObject(removePoint(addPoint(start, point), 0))!)).toBe(true)
  })
})

describe('categories', () => {
  it('have distinct colours and shortcuts, and colour their objects', () => {
    const two = addCategory(addCategory(start, 'cat'), 'dog')
    expect(two.categories.map(({ name, shortcut }) => [name, shortcut])).toEqual([
      ['cat', '1'],
      ['dog', '2']
    ])
    expect(new Set(two.categories.map(({ color }) => color)).size).toBe(2)
    const assigned = assignCategory(addPoint(two, point), 2)
    expect(colorOf(assigned, activeObject(assigned)!)).toBe(two.categories[1].color)
    expect(activeObject(addPoint(select(assigned, undefined), point))!.category).toBe(2)
    expect(activeObject(removeCategory(assigned, 2))!.category).toBeUndefined()
  })
  it('a name is added once, and a shortcut belongs to one category', () => {
    const two = addCategory(addCategory(start, 'cat'), 'dog')
    expect(addCategory(two, ' cat ')).toBe(two)
    expect(changeCategory(two, 2, { shortcut: '1' }).categories.map(c => c.shortcut)).toEqual([undefined, '1'])
  })
})

describe('the history of a project', () => {
  it('spans pictures: undo and redo show the picture where the step was', () => {
    let history = stepProject(startProject(start), addPoint(start, point))
    history = stepProject(history, addPoint(showPicture(history.present, 'c'), point))
    history = stepProject(history, showPicture(history.present, 'b'))
    history = undoProject(history)
    expect([history.present.current, pictureOf(history.present)!.objects.length]).toEqual(['c', 0])
    history = undoProject(history)
    expect([history.present.current, pictureOf(history.present)!.objects.length]).toEqual(['a', 0])
    history = redoProject(redoProject(history))
    expect([history.present.current, pictureOf(history.present)!.objects.length]).toEqual(['c', 1])
  })
  it('brings back a removed picture with its objects, and shows it', () => {
    const marked = addPoint(showPicture(start, 'b'), point)
    const history = undoProject(stepProject(startProject(marked), removePicture(marked, 'b')))
    expect([history.present.current, pictureOf(history.present)!.objects.length]).toEqual(['b', 1])
  })
  it('what only shows or selects is no step', () => {
    const marked = addPoint(start, point)
    const history = stepProject(stepProject(startProject(marked), select(marked, undefined)), showPicture(marked, 'b'))
    expect([history.past.length, history.present.current]).toEqual([0, 'b'])
  })
})

describe('suggestions', () => {
  const [first, second] = [{ mask: mask(1) }, { mask: mask(2) }]
  const found = updateSuggestions(start, 'a', { added: [first, second], removed: [] })
  it('become objects when they are picked, and return on undo', () => {
    const picked = pickSuggestions(found, [second])
    expect([pictureOf(picked)!.suggestions, activeObject(picked)!.base]).toEqual([[first], second.mask])
    const undone = undoProject(stepProject(startProject(found), picked)).present
    expect(pictureOf(undone)!.suggestions).toEqual([first, second])
    expect(pictureOf(dismissSuggestions(found))!.suggestions).toBeUndefined()
  })
  it('that arrive while the user works are kept by undo', () => {
    const history = stepProject(startProject(start), addPoint(start, point))
    const amended = amendProject(history, before => updateSuggestions(before, 'a', { added: [first], removed: [] }))
    const { present } = undoProject(amended)
    expect([pictureOf(present)!.suggestions, pictureOf(present)!.objects]).toEqual([[first], []])
  })
})
