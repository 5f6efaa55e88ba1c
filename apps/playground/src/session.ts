import { distinctColor, type Box, type Point } from '@sam/core'
import type { Prompts, Stroke } from './protocol.js'

/** One object in the image: its prompts and the chosen mask. */
export interface SessionObject {
  readonly id: number
  readonly name: string
  readonly prompts: Prompts
  /** Index of the chosen candidate. */
  readonly choice: number
  readonly visible: boolean
}

/** The undoable state. There is always at least one object, and one is active. */
export interface Session {
  readonly objects: readonly SessionObject[]
  readonly active: number
}

const noPrompts: Prompts = { points: [], strokes: [] }

const blank = (id: number): SessionObject => ({
  id,
  name: `Object ${id}`,
  prompts: noPrompts,
  choice: 0,
  visible: true
})

export const emptySession: Session = { objects: [blank(1)], active: 1 }

export const isEmpty = ({ points, box, strokes, phrase }: Prompts): boolean =>
  !points.length && !box && !strokes.length && phrase === undefined

export const activeObject = ({ objects, active }: Session): SessionObject => objects.find(o => o.id === active)!

/** An object's colour, from its id: `rgb(…)`. */
export const colorOf = ({ id }: Pick<SessionObject, 'id'>): string => `rgb(${distinctColor(id - 1).join(' ')})`

/** Changes one object. */
export const change = (session: Session, id: number, part: Partial<Omit<SessionObject, 'id'>>): Session => ({
  ...session,
  objects: session.objects.map(o => (o.id === id ? { ...o, ...part } : o))
})

/**
 * Updates the prompts of the active object and resets its choice. `from`: low-resolution logits of the mask to refine,
 * if there is one.
 */
const updatePrompts = (session: Session, prompts: Partial<Prompts>, from?: Float32Array): Session => {
  const object = activeObject(session)
  return change(session, object.id, {
    prompts: { ...object.prompts, ...prompts, from: from ?? object.prompts.from },
    choice: 0,
    visible: true
  })
}

export const addPoint = (session: Session, point: Point, from?: Float32Array): Session =>
  updatePrompts(session, { points: [...activeObject(session).prompts.points, point] }, from)

/** Sets a box, which replaces all prompts of the active object. */
export const setBox = (session: Session, box: Box): Session =>
  change(session, session.active, { prompts: { ...noPrompts, box }, choice: 0, visible: true })

/** Sets a phrase, which replaces all prompts and names the object unless the user has named it. */
export function setPhrase(session: Session, phrase: string): Session {
  const { id, name, prompts } = activeObject(session)
  return change(session, id, {
    prompts: { ...noPrompts, phrase },
    choice: 0,
    visible: true,
    ...([`Object ${id}`, prompts.phrase].includes(name) && { name: phrase })
  })
}

export const addStroke = (session: Session, stroke: Stroke, from?: Float32Array): Session =>
  updatePrompts(session, { strokes: [...activeObject(session).prompts.strokes, stroke] }, from)

export const clearPrompts = (session: Session): Session =>
  change(session, session.active, { prompts: noPrompts, choice: 0 })

export const select = (session: Session, id: number): Session => ({ ...session, active: id })

/** Creates an object and selects it, or selects an existing one that is empty. */
export function newObject(session: Session): Session {
  const free = session.objects.find(o => isEmpty(o.prompts))
  if (free) return select(session, free.id)
  const id = Math.max(...session.objects.map(o => o.id)) + 1
  return { objects: [...session.objects, blank(id)], active: id }
}

export function removeObject(session: Session, id: number): Session {
  const objects = session.objects.filter(o => o.id !== id)
  if (!objects.length) return emptySession
  return { objects, active: session.active === id ? objects[objects.length - 1].id : session.active }
}

/** Keeps the prompts for another model and drops the masks, whose size may differ. */
export const forgetMasks = (session: Session): Session => ({
  ...session,
  objects: session.objects.map(o => ({ ...o, choice: 0, prompts: { ...o.prompts, from: undefined } }))
})
