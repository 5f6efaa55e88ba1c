import { Mask, type Box, type MaskJson, type Point } from '@sam/core'
import {
  hasNoPrompts,
  noPrompts,
  type AnnotatedObject,
  type Category,
  type Picture,
  type Position,
  type Project,
  type Stroke
} from '../document/project.js'
import type { Snapshot } from '../store/annotator.js'
import { type JsonReader } from './json-reader.js'

/** The version of the form below. Another one is refused. */
export const version = 1

/** A project without its pictures. */
export interface ProjectJson extends Pick<Project, 'current' | 'nextCategory' | 'categories'> {
  readonly version: typeof version
}

/** A picture with its objects. */
export interface PictureJson extends Pick<Picture, 'id' | 'name' | 'width' | 'height' | 'active'> {
  readonly objects: readonly ObjectJson[]
  readonly suggestions?: readonly MaskJson[] | undefined
}

/** An object with its predicted masks, of which `choice` is the chosen one. */
export interface ObjectJson extends Omit<AnnotatedObject, 'base' | 'prompts'> {
  readonly prompts: Omit<AnnotatedObject['prompts'], 'from'>
  readonly masks?: readonly MaskJson[] | undefined
  readonly base?: MaskJson | undefined
}

/** A picture that was read. `candidates`: the predicted masks of its objects. */
export interface ReadPicture {
  readonly picture: Picture
  readonly candidates: ReadonlyMap<AnnotatedObject, readonly Mask[]>
}

const written = new WeakMap<Mask, MaskJson>()

/** A mask as JSON; computed once. */
function maskJson(mask: Mask): MaskJson {
  let json = written.get(mask)
  if (!json) written.set(mask, (json = mask.toJSON()))
  return json
}

export const projectJson = ({ current, nextCategory, categories }: Project): ProjectJson => ({
  version,
  current,
  nextCategory,
  categories
})

export function pictureJson(
  { id, name, width, height, active, objects, suggestions }: Picture,
  candidatesOf: Snapshot['candidatesOf']
): PictureJson {
  return {
    id,
    name,
    width,
    height,
    active,
    suggestions: suggestions?.map(({ mask }) => maskJson(mask)),
    objects: objects.map(object => ({
      ...object,
      prompts: { points: object.prompts.points, box: object.prompts.box, multimask: object.prompts.multimask },
      masks: hasNoPrompts(object.prompts) ? undefined : candidatesOf(object)?.map(maskJson),
      base: object.base && maskJson(object.base)
    }))
  }
}

/** The most of each in a file that is read. */
const most = { categories: 10_000, objects: 100_000, points: 1024, strokes: 10_000, positions: 1_000_000 }

const readCategory = (json: JsonReader): Category => ({
  id: json.at('id').integer(1),
  name: json.at('name').string(),
  color: json.at('color').string(/^#[0-9a-f]{6}$/i),
  shortcut: json.at('shortcut').maybe(key => key.string(/^.{1,20}$/))
})

/** Throws `E_BAD_OPTION` for what is no project, or of another version. */
export function readProject(json: JsonReader): Omit<Project, 'pictures'> {
  if (json.at('version').value !== version) json.at('version').must(`${version}; it was saved by another version`)
  return {
    current: json.at('current').maybe(id => id.string()),
    nextCategory: json.at('nextCategory').maybe(id => id.integer(1)),
    categories: json.at('categories').list(readCategory, most.categories)
  }
}

const readPosition = (json: JsonReader): Position => {
  const [x, y, ...rest] = json.list(item => item.number(), 2)
  return y === undefined || rest.length ? json.must('[x, y]') : [x, y]
}

function readBox(json: JsonReader): Box {
  const box = json.list(item => item.number(), 4)
  return box.length === 4 && box[0] < box[2] && box[1] < box[3]
    ? (box as unknown as Box)
    : json.must('[x0, y0, x1, y1]')
}

const readPoint = (json: JsonReader): Point => ({
  x: json.at('x').number(),
  y: json.at('y').number(),
  label: json.at('label').value === 'background' ? 'background' : 'foreground'
})

const readStroke = (json: JsonReader): Stroke => {
  const line = json.at('line')
  const positions = line.list(readPosition, most.positions)
  if (!positions.length) line.must('at least one position')
  return { radius: json.at('radius').number(0), erase: json.at('erase').boolean(), line: positions }
}

/** A picture with its objects. Throws `E_BAD_OPTION` for what is none, `E_BAD_PROMPT` for masks that are none. */
export function readPicture(json: JsonReader): ReadPicture {
  const [width, height] = [json.at('width').integer(1, 1e6), json.at('height').integer(1, 1e6)]
  const readMask = (item: JsonReader): Mask => {
    const mask = Mask.from(item.value as MaskJson)
    return mask.width === width && mask.height === height ? mask : item.must(`a mask of ${width} × ${height} pixels`)
  }
  const candidates = new Map<AnnotatedObject, readonly Mask[]>()
  const readObject = (item: JsonReader): AnnotatedObject => {
    const masks = item.at('masks').maybe(list => list.list(readMask, 16))
    const given = item.at('prompts')
    const prompts = {
      points: given.at('points').list(readPoint, most.points),
      box: given.at('box').maybe(readBox),
      multimask: given.at('multimask').maybe(flag => flag.boolean())
    }
    const object: AnnotatedObject = {
      id: item.at('id').integer(1),
      name: item.at('name').string(),
      category: item.at('category').maybe(id => id.integer(1)),
      prompts: hasNoPrompts(prompts) ? noPrompts : prompts,
      choice: item.at('choice').integer(0, Math.max(0, (masks?.length ?? 16) - 1)),
      base: item.at('base').maybe(readMask),
      strokes: item.at('strokes').list(readStroke, most.strokes),
      score: item.at('score').maybe(score => score.number()),
      visible: item.at('visible').boolean(),
      locked: item.at('locked').boolean()
    }
    if (masks?.length) candidates.set(object, masks)
    return object
  }
  const objects = json.at('objects').list(readObject, most.objects)
  if (new Set(objects.map(({ id }) => id)).size < objects.length) json.at('objects').must('objects with different ids')
  const active = json.at('active').maybe(id => id.integer(1))
  const picture: Picture = {
    id: json.at('id').string(/^[\w-]{1,64}$/),
    name: json.at('name').string(),
    width,
    height,
    objects,
    suggestions: json.at('suggestions').maybe(list => list.list(item => ({ mask: readMask(item) }), most.objects)),
    active: objects.some(({ id }) => id === active) ? active : undefined
  }
  return { picture, candidates }
}

/** A project from its parts. What refers to something missing refers to nothing. */
export function assemble(
  project: Omit<Project, 'pictures'>,
  read: readonly ReadPicture[],
  blobOf: Snapshot['blobOf']
): Snapshot {
  const pictures = read.map(({ picture }) => picture)
  const candidates = new Map(read.flatMap(part => [...part.candidates]))
  const current = pictures.find(({ id }) => id === project.current)?.id ?? pictures[0]?.id
  return {
    project: { ...project, pictures, current },
    blobOf,
    candidatesOf: object => candidates.get(object)
  }
}
