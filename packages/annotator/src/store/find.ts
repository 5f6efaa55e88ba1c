import type { AutomaticMaskOptions, QueryOptions } from '@sam/core'
import { addObjects, type NewObject } from '../document/objects.js'
import type { Project } from '../document/project.js'
import { updateSuggestions } from '../document/suggestions.js'
import type { Annotator } from './annotator.js'
import type { ImageLike } from './sam-like.js'
import { phraseStatus } from './status.js'
import type { Tasks } from './tasks.js'

/** What finding objects in the picture that is shown needs. */
export interface Finding {
  readonly annotator: Annotator
  readonly encoded: () => ImageLike | undefined
  readonly run: Tasks['run']
  /** Changes the project without a step of the history. */
  readonly amend: (change: (project: Project) => Project) => void
}

/** Of an object that a phrase found, how much its mask may share with one that is there already, as IoU. */
const sameObject = 0.8

/** Finds the objects that a phrase describes, and adds those that are not in the document yet. */
export async function addPhrase(
  { annotator, encoded, run }: Finding,
  phrase: string,
  options: Omit<QueryOptions, 'signal'> = {}
): Promise<void> {
  try {
    const image = ready(annotator, encoded())
    const name = phrase.trim()
    if (!annotator.state.sam?.text)
      throw new Error('This model has no text encoder: load one that finds objects by a phrase.')
    const found = await run(`Searching for “${name}”`, signal => image.query(name, { ...options, signal }))
    if (image !== encoded()) return // another picture is shown by now
    const { objects = [] } = annotator.picture ?? {}
    const known = objects.flatMap(object => annotator.maskOf(object) ?? [])
    const added = found.filter(({ mask }) => mask.area && !known.some(other => other.iou(mask) > sameObject))
    const made = added.map(
      ({ mask, score }, i): NewObject => ({ name: added.length > 1 ? `${name} ${i + 1}` : name, base: mask, score })
    )
    if (made.length) annotator.act(before => addObjects(before, made))
    annotator.set({ status: phraseStatus(name, added, found.length) })
  } catch (error) {
    annotator.fail(error)
  }
}

/** Suggests automatic masks as they are found. */
export async function generate(
  { annotator, encoded, run, amend }: Finding,
  options: Omit<AutomaticMaskOptions, 'signal' | 'onProgress'> = {}
): Promise<void> {
  try {
    const image = ready(annotator, encoded())
    const { id } = annotator.picture!
    annotator.dismiss()
    annotator.set({ tool: 'select' })
    let count = 0
    await run('Finding everything', async (signal, report) => {
      for await (const { added, removed, done, total } of image.streamMasks({ ...options, signal })) {
        count += added.length - removed.length
        amend(before => updateSuggestions(before, id, { added, removed }))
        report({ text: `Finding everything · ${count} masks`, part: done / total })
      }
    })
    annotator.set({ status: count ? `${count} masks found: click those to keep` : 'No masks found' })
  } catch (error) {
    annotator.fail(error)
  }
}

function ready({ state }: Annotator, encoded: ImageLike | undefined): ImageLike {
  if (encoded) return encoded
  throw new Error(
    state.sam ? 'The picture must be encoded first. Wait until it is ready.' : 'A model must be loaded first.'
  )
}
