import { strToU8, zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fakeSam, height, settle, width } from '../../test/fake-sam.js'
import { addCategory, assignCategory } from '../document/categories.js'
import { addBox } from '../document/prompts.js'
import { showPicture } from '../document/pictures.js'
import type { Annotator } from '../store/annotator.js'
import { createAnnotator } from '../store/create-annotator.js'
import { readProjectFile, writeProjectFile } from './project-file.js'

let annotator: Annotator
beforeEach(async () => {
  vi.stubGlobal('createImageBitmap', async () => ({ width, height, close() {} }))
  annotator = createAnnotator()
  annotator.setSam(fakeSam().sam)
  await annotator.addPictures(
    ['cat é.jpg', 'dog.png'].map(name => ({ name, blob: new Blob([name], { type: 'image/png' }) }))
  )
  await settle()
  annotator.act(project => addCategory(project, 'cat'))
  annotator.act(project => assignCategory(project, 1))
  annotator.addPoint({ x: 20, y: 20, label: 'foreground' })
  await settle()
  annotator.choose(1)
  annotator.addStroke({ radius: 3, erase: true, line: [[20, 20.25]] })
  annotator.act(project => showPicture(project, project.pictures[1].id))
  await settle()
  annotator.act(project => addBox(project, [4, 4, 20, 20]))
  await settle()
})
afterEach(() => vi.unstubAllGlobals())

const masks = (of: Annotator) =>
  of.project.pictures.map(picture => of.masked(picture).map(({ mask, category }) => [category?.name, [...mask.runs]]))

describe('a project file', () => {
  it('brings back pictures, objects, prompts, choices, strokes, categories and masks without a model', async () => {
    const file = await writeProjectFile(annotator.snapshot())
    const opened = createAnnotator()
    opened.open(await readProjectFile(file))
    expect(JSON.parse(JSON.stringify(opened.project))).toEqual(JSON.parse(JSON.stringify(annotator.project)))
    expect(masks(opened)).toEqual(masks(annotator))
    expect(masks(opened).flat()).toHaveLength(2)
    const [{ id }] = opened.project.pictures
    expect([await opened.blobOf(id)!.text(), opened.blobOf(id)!.type]).toEqual(['cat é.jpg', 'image/png'])
    expect(opened.state.history.past).toEqual([])
  })

  const zipped = (json: unknown, files: Record<string, Uint8Array> = {}): Blob =>
    new Blob([
      zipSync({
        'project.json': strToU8(typeof json === 'string' ? json : JSON.stringify(json)),
        ...files
      })
    ])
  const picture = (change: object = {}, object: object = {}) => ({
    id: 'a',
    name: 'a.png',
    width: 4,
    height: 4,
    file: 'pictures/1-a.png',
    type: 'image/png',
    objects: [
      { id: 1, name: 'x', prompts: { points: [] }, choice: 0, strokes: [], visible: true, locked: false, ...object }
    ],
    ...change
  })
  const project = (...pictures: object[]) => ({ version: 1, categories: [], pictures })
  const file = { 'pictures/1-a.png': strToU8('x') }

  it('reads a small one', async () => {
    const { project: read } = await readProjectFile(zipped(project(picture()), file))
    expect(read).toMatchObject({ current: 'a', pictures: [{ id: 'a', objects: [{ name: 'x' }] }] })
  })
  const segmentation = { size: [4, 4], counts: '0' }
  it.each([
    ['no archive', new Blob(['PK nonsense']), 'must be a zip archive'],
    ['an archive without a project', new Blob([zipSync({ a: strToU8('b') })]), 'must contain project.json'],
    ['no JSON', zipped('{'), 'must be JSON'],
    ['pictures that grow', zipped(project(picture()), { 'pictures/1-a.png': new Uint8Array(1e6) }), 'times the size'],
    ['another version', zipped({ version: 2 }), 'another version'],
    ['a missing picture', zipped(project(picture())), 'must contain pictures/1-a.png'],
    ['a picture outside its folder', zipped(project(picture({ file: '../x' })), file), 'project.json.pictures[0].file'],
    ['a type that is no image', zipped(project(picture({ type: 'text/html' })), file), 'project.json.pictures[0].type'],
    ['a width that is none', zipped(project(picture({ width: -1 })), file), 'project.json.pictures[0].width'],
    ['two pictures with one id', zipped(project(picture(), picture()), file), 'different ids'],
    [
      'a stroke without positions',
      zipped(project(picture({}, { strokes: [{ radius: 1, erase: false, line: [] }] })), file),
      'strokes[0].line'
    ],
    [
      'a position that is none',
      zipped(project(picture({}, { strokes: [{ radius: 1, erase: false, line: [[1, 'a']] }] })), file),
      'line[0][1]'
    ],
    [
      'a box without area',
      zipped(project(picture({}, { prompts: { points: [], box: [2, 2, 2, 4] } })), file),
      'prompts.box'
    ],
    [
      'a mask of another size',
      zipped(project(picture({}, { base: { segmentation: { ...segmentation, size: [8, 8], counts: 'P2' } } })), file),
      '4 × 4'
    ],
    ['a choice that is not there', zipped(project(picture({}, { choice: 40 })), file), 'choice']
  ])('refuses %s', async (_, blob, message) => {
    await expect(readProjectFile(blob)).rejects.toThrow(message)
  })
})
