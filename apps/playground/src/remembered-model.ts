import type { ModelChoice } from './protocol.js'
import { isBundledName } from './bundled-models.js'

const key = 'sam-model'

export const defaultModel: ModelChoice = { kind: 'bundled', name: 'mobile_sam' }

/** Remembers a model for the next visit, if it is stored on this device. */
export function rememberModel(model: ModelChoice | undefined): void {
  if (model && model.kind !== 'file' && model.kind !== 'folder') localStorage.setItem(key, JSON.stringify(model))
}

/** Forgets a stored model. */
export function forgetModel(storedKey: string): void {
  const last = lastModel()
  if (last.kind === 'stored' && last.key === storedKey) localStorage.removeItem(key)
}

/** The model of the last visit. */
export function lastModel(): ModelChoice {
  try {
    const model = JSON.parse(localStorage.getItem(key) ?? '') as ModelChoice
    if (model.kind === 'stored' && typeof model.key === 'string') return model
    if (model.kind === 'bundled' && isBundledName(model.name)) return model
  } catch {
    /* nothing stored, or not valid JSON */
  }
  return defaultModel
}
