import { SamError, type Mask, type Point } from '@sam/core'
import { mergeObjects, replaceMask } from '../document/objects.js'
import { addPictures } from '../document/pictures.js'
import {
  amendProject,
  redoProject,
  startProject,
  stepProject,
  undoProject,
  type ProjectHistory
} from '../document/project-history.js'
import {
  activeObject,
  categoryOf,
  emptyProject,
  hasNoPrompts,
  isBlank,
  objectOf,
  pictureOf,
  type AnnotatedObject,
  type Picture,
  type Project,
  type Prompts
} from '../document/project.js'
import { addPoint, addStroke, chooseMask } from '../document/prompts.js'
import { dismissSuggestions, pickSuggestions } from '../document/suggestions.js'
import { subtractMask, uniteMasks } from '../masks/combine.js'
import { strokePrompts } from '../masks/stroke-prompts.js'
import type { Annotator, AnnotatorState, PictureFile } from './annotator.js'
import { addPhrase, generate, type Finding } from './find.js'
import { latest } from './latest.js'
import { suggestionsOfLevel } from './levels.js'
import { maskCache, type MaskCache } from './mask-cache.js'
import { openPictures } from './open-pictures.js'
import { createPredictor, promptOf } from './predictor.js'
import { readPicture } from './read-picture.js'
import type { ImageLike } from './sam-like.js'
import { predictionStatus, selectionStatus } from './status.js'
import { tasks } from './tasks.js'
import { objectAt, suggestionAt } from './under-pointer.js'

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'

/** Creates an annotator with an empty project. */
export function createAnnotator(): Annotator {
  let state: AnnotatorState = {
    history: startProject(emptyProject),
    tool: 'include',
    brush: 36,
    ready: false,
    level: 'all',
    predictions: 0,
    status: ''
  }
  let cache: MaskCache = maskCache()
  /** The files of all pictures, also of those that were removed: undo brings them back. */
  const blobs = new Map<string, Blob>()
  const listeners = new Set<() => void>()
  const lastShown = new Map<string, Mask>()
  let encoded: ImageLike | undefined
  let showing: { readonly id: string; readonly abort: AbortController } | undefined

  const update = (part: Partial<AnnotatorState>): void => {
    state = { ...state, ...part }
    for (const listener of listeners) listener()
  }
  const operations = tasks(busy => update({ busy }))
  const project = (): Project => state.history.present
  const picture = (): Picture | undefined => pictureOf(project())
  const nameOf = (id: string): string => pictureOf(project(), id)?.name ?? 'the picture'
  const opened = openPictures(id => readPicture(blobs.get(id) ?? new Blob(), nameOf(id)))
  const predictor = createPredictor({
    isKnown: prompts => cache.predicted(prompts) !== undefined,
    predicted(object, masks) {
      cache.keep(object.prompts, masks)
      const isActive = annotator.active?.id === object.id
      update({
        predictions: state.predictions + 1,
        status: isActive ? predictionStatus(object, masks) : state.status
      })
    },
    fail: error => fail(error)
  })
  /** The predicted mask that an object has chosen. */
  const chosenMask = ({ prompts, choice }: AnnotatedObject): Mask | undefined => cache.predicted(prompts)?.[choice]
  const keyOf = ({ id }: AnnotatedObject, of = picture()): string => `${of?.id}/${id}`

  function fail(error: unknown): void {
    if (isAbort(error)) return
    update({ error: error instanceof Error ? error : new Error(String(error)) })
    if (SamError.is(error) && error.code === 'E_DEVICE_LOST' && state.ready) void annotator.recover()
  }

  /** Decodes and encodes the picture that is to be shown, unless that is under way. */
  async function show(): Promise<void> {
    const id = project().current
    if (showing?.id === id) return
    showing?.abort.abort()
    encoded = undefined
    if (id === undefined) {
      showing = undefined
      return update({ image: undefined, ready: false })
    }
    const mine = (showing = { id, abort: new AbortController() })
    const isMine = (): boolean => showing === mine && !mine.abort.signal.aborted
    try {
      update({ ready: false, preview: undefined, image: undefined })
      const image = await operations.run('Decoding the picture', () => opened.bitmap(id), mine.abort)
      if (!isMine()) return
      update({ image })
      const { sam } = state
      if (!sam) return
      const began = performance.now()
      const made = await operations.run('Encoding the image', signal => opened.encoded(id, sam, signal), mine.abort)
      if (!isMine()) return
      encoded = made
      const seconds = (performance.now() - began) / 1000
      const how = seconds < 0.05 ? '' : ` encoded in ${seconds.toFixed(1)} s` // it may have been in memory
      update({ ready: true, status: `Ready: ${nameOf(id)}${how}` })
      requestMissing()
    } catch (error) {
      if (showing === mine) fail(error)
    }
  }
  const showAgain = (): Promise<void> => {
    showing?.abort.abort()
    showing = undefined
    return show()
  }

  /** Requests every missing prediction of the picture that is shown. */
  function requestMissing(): void {
    const { objects = [] } = picture() ?? {}
    predictor.request(objects, encoded)
    const isMissing = objects.some(({ prompts }) => !hasNoPrompts(prompts) && !cache.predicted(prompts))
    // Its encoding was stopped.
    if (!encoded && isMissing && state.sam && showing?.abort.signal.aborted) void showAgain()
  }

  const previews = latest(
    async (prompts: Prompts, signal) => {
      const { masks } = await encoded!.predict(promptOf(prompts), { signal, best: true })
      return masks[0]
    },
    preview => update({ preview })
  )
  const endPreview = (): void => {
    previews.stop()
    if (state.preview) update({ preview: undefined })
  }

  function moveTo(history: ProjectHistory): void {
    rememberShown()
    previews.stop()
    const before = annotator.active
    update({ history, preview: undefined })
    const { active } = annotator
    if (active && active.id !== before?.id) {
      const isPending = !hasNoPrompts(active.prompts) && !cache.predicted(active.prompts)
      update({ status: selectionStatus(active, isPending && state.sam ? 'pending' : chosenMask(active)) })
    }
    // Ids of objects are used again: the next object with an id must not show the mask of an earlier one.
    const { objects = [] } = picture() ?? {}
    for (const key of lastShown.keys())
      if (!objects.some(object => keyOf(object) === key && !hasNoPrompts(object.prompts))) lastShown.delete(key)
    void show()
    requestMissing()
  }

  /** Keeps the masks that are shown while the next ones are predicted, so that nothing flickers. */
  function rememberShown(): void {
    const of = picture()
    for (const object of of?.objects ?? []) {
      const mask = cache.under(object)
      if (mask) lastShown.set(keyOf(object, of), mask)
    }
  }

  const act: Annotator['act'] = transition => {
    const before = project()
    const next = transition(before)
    if (next === before) return
    const { preview } = state
    const wasBlank = !annotator.active || hasNoPrompts(annotator.active.prompts)
    moveTo(stepProject(state.history, next))
    // The preview stays until the prediction arrives.
    const made = annotator.active
    if (preview && wasBlank && made && !hasNoPrompts(made.prompts) && !cache.predicted(made.prompts))
      lastShown.set(keyOf(made), preview)
  }

  /** The masks of objects that are all predicted, else undefined. */
  function masksOf(ids: readonly number[]): readonly Mask[] | undefined {
    const masks = ids.flatMap(id => {
      const object = objectOf(picture(), id)
      return (object && annotator.maskOf(object)) ?? []
    })
    return masks.length === ids.length ? masks : undefined
  }

  const annotator: Annotator = {
    get state() {
      return state
    },
    get project() {
      return project()
    },
    get picture() {
      return picture()
    },
    get active() {
      return activeObject(project())
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    set(part) {
      if (part.tool) endPreview()
      update(part)
    },
    act,
    undo: () => moveTo(undoProject(state.history)),
    redo: () => moveTo(redoProject(state.history)),
    setSam(sam) {
      if (sam === state.sam) return
      predictor.stop()
      previews.stop()
      opened.forgetEncodings()
      update({ sam, ready: false, preview: undefined })
      void showAgain()
    },
    recover() {
      opened.forgetEncodings()
      return showAgain()
    },
    stop() {
      operations.stop()
      update({ status: 'Stopped' })
    },

    async addPictures(files) {
      const failed: { readonly name: string; readonly error: unknown }[] = []
      await operations.run('Decoding', async (signal, report) => {
        for (const [i, file] of files.entries()) {
          if (signal.aborted) return
          if (files.length > 1)
            report({ text: `Decoding ${i + 1} of ${files.length} pictures`, part: i / files.length })
          try {
            await addPicture(file, i === 0)
          } catch (error) {
            failed.push({ name: file.name, error })
          }
        }
      })
      if (failed.length === 1) fail(failed[0].error)
      else if (failed.length)
        fail(new Error(`${failed.length} files cannot be decoded as images: ${failed.map(f => f.name).join(', ')}`))
    },
    open({ project: next, blobOf, candidatesOf }) {
      operations.stop()
      predictor.stop()
      lastShown.clear()
      previews.stop()
      opened.clear()
      blobs.clear()
      cache = maskCache()
      for (const { id, objects } of next.pictures) {
        const blob = blobOf(id)
        if (blob) blobs.set(id, blob)
        for (const object of objects) {
          const masks = candidatesOf(object)
          if (masks) cache.keep(object.prompts, masks)
        }
      }
      showing?.abort.abort()
      showing = undefined
      encoded = undefined
      update({ history: startProject(next), image: undefined, ready: false, preview: undefined, error: undefined })
      void show()
    },
    snapshot() {
      const [files, masks] = [new Map(blobs), cache]
      return {
        project: project(),
        blobOf: id => files.get(id),
        candidatesOf: ({ prompts }) => masks.predicted(prompts)
      }
    },

    addPoint(point: Point) {
      act(before => addPoint(before, point, annotator.refined()))
      if (!state.sam) update({ status: 'No model is loaded yet: the point is kept, and the mask follows' })
    },
    addStroke(stroke) {
      const of = picture()
      if (!of) return
      if (stroke.erase && !annotator.active)
        return update({ status: 'Select an object to erase from, or paint one first' })
      act(before => addStroke(before, stroke, stroke.erase ? undefined : strokePrompts(stroke, of)))
      const { active } = annotator
      const mask = active && annotator.maskOf(active)
      if (active && mask) {
        const size = `${mask.area.toLocaleString('en')} pixels`
        update({ status: mask.area ? `${active.name}: ${size}` : `${active.name}: the mask is empty` })
      }
    },
    preview(at) {
      const { active } = annotator
      if (at && encoded && (!active || isBlank(active))) previews.request({ points: [{ x: at[0], y: at[1] }] })
      else endPreview()
    },
    previewPrompts(prompts) {
      if (prompts && encoded && !hasNoPrompts(prompts)) previews.request(prompts)
      else endPreview()
    },
    choose(choice) {
      const { active } = annotator
      if (active && cache.predicted(active.prompts)?.[choice]) act(before => chooseMask(before, choice))
    },

    addPhrase: (phrase, options) => addPhrase(finding, phrase, options),
    generate: options => generate(finding, options),
    suggestions() {
      const { suggestions = [] } = picture() ?? {}
      return suggestionsOfLevel(suggestions, state.level)
    },
    pick: (suggestions, part) => act(before => pickSuggestions(before, suggestions, part)),
    dismiss: suggestions => act(before => dismissSuggestions(before, suggestions)),
    merge(ids) {
      const masks = masksOf(ids)
      if (masks && ids.length > 1)
        act(before => mergeObjects(before, ids, uniteMasks(masks as [Mask, ...Mask[]]).withoutLogits()))
    },
    subtract(id, mask) {
      const [own] = masksOf([id]) ?? []
      if (!own) return
      act(before => replaceMask(before, id, subtractMask(own, mask)))
      if (own.area && !subtractMask(own, mask).area) update({ status: 'The mask is empty now' })
    },
    unite(id, mask) {
      const [own] = masksOf([id]) ?? []
      if (own) act(before => replaceMask(before, id, uniteMasks([own, mask])))
    },

    candidates: ({ prompts }) => cache.predicted(prompts),
    maskOf(object, of = picture()) {
      const under = cache.under(object)
      return of && cache.paint(under, object.strokes, of)
    },
    shown(object) {
      const of = picture()
      if (!of) return undefined
      const { prompts, strokes } = object
      const under = cache.under(object) ?? (hasNoPrompts(prompts) ? undefined : lastShown.get(keyOf(object)))
      return cache.paint(under, strokes, of)
    },
    refined() {
      const { active } = annotator
      return active && cache.under(active)
    },
    masked(of = picture()) {
      return (of?.objects ?? []).flatMap(object => {
        const mask = object.visible ? annotator.maskOf(object, of) : undefined
        return mask?.area ? [{ object, mask, category: categoryOf(project(), object.category) }] : []
      })
    },
    objectAt: at => objectAt(annotator, at),
    suggestionAt: at => suggestionAt(annotator, at),
    blobOf: id => blobs.get(id),
    fail
  }
  const finding: Finding = {
    annotator,
    encoded: () => encoded,
    run: (text, work) => operations.run(text, work),
    amend: change => update({ history: amendProject(state.history, change) })
  }

  /** Adds one picture to the document, decoded to know its size. */
  async function addPicture({ blob, name }: PictureFile, showIt: boolean): Promise<void> {
    const bitmap = await readPicture(blob, name)
    const { width, height } = bitmap
    bitmap.close()
    const id = newPictureId()
    blobs.set(id, blob)
    // No step: undo does not remove pictures that were added.
    const history = amendProject(state.history, before => addPictures(before, [{ id, name, width, height }]))
    const { present } = state.history
    const current = showIt || present.current === undefined ? id : present.current
    moveTo({ ...history, present: { ...history.present, current } })
    update({ status: `${name}, ${width} × ${height} pixels` })
  }

  return annotator
}

const newPictureId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(8))].map(byte => byte.toString(16).padStart(2, '0')).join('')
