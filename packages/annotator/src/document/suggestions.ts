import { addObjects, type NewObject } from './objects.js'
import { changePicture, type Project, type Suggestion } from './project.js'

/** What changes in the suggestions of a picture. */
export interface SuggestionUpdate {
  readonly added: readonly Suggestion[]
  readonly removed: readonly Suggestion[]
}

/** Adds and removes suggestions of a picture. */
export const updateSuggestions = (project: Project, id: string, { added, removed }: SuggestionUpdate): Project =>
  changePicture(
    project,
    picture => {
      const { suggestions = [] } = picture
      const gone = new Set(removed)
      return { ...picture, suggestions: [...suggestions.filter(suggestion => !gone.has(suggestion)), ...added] }
    },
    id
  )

/** Removes suggestions of the picture that is shown; default: all. */
export const dismissSuggestions = (project: Project, dismissed?: readonly Suggestion[]): Project =>
  changePicture(project, picture =>
    picture.suggestions?.length
      ? { ...picture, suggestions: dismissed && picture.suggestions.filter(s => !dismissed.includes(s)) }
      : picture
  )

/** Makes objects of suggestions of the picture that is shown. */
export const pickSuggestions = (project: Project, picked: readonly Suggestion[], part: NewObject = {}): Project =>
  picked.length
    ? addObjects(
        dismissSuggestions(project, picked),
        picked.map(({ mask }) => ({ ...part, base: mask }))
      )
    : project
