import { InputError } from '@sam/core'

/**
 * Prompt templates, with `{}` for the phrase. Averaging their embeddings makes published CLIPs more accurate on nouns.
 */
export const photoTemplates = [
  'a photo of {}.',
  'a close-up photo of {}.',
  'a cropped photo of {}.',
  'a good photo of {}.',
  'a photo of {} in a scene.'
] as const

/** A copy of the templates. Throws `E_BAD_OPTION` unless there is one, and each has one `{}`. */
export function checkTemplates(given: readonly string[]): readonly string[] {
  const templates = Array.isArray(given) ? Array.from(given as readonly string[]) : []
  if (templates.length === 0 || !templates.every(t => typeof t === 'string' && t.split('{}').length === 2)) {
    throw new InputError(
      'E_BAD_OPTION',
      `templates: must be sentences with one {} each, found ${JSON.stringify(given)}`
    )
  }
  return templates
}

export const fill = (template: string, phrase: string): string => template.split('{}').join(phrase)
