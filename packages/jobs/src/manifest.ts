import { maxPoints } from '@sam/core/model'
import { refuse } from '@sam/core/graph'
import type { Prompt } from '@sam/core'
import { z } from 'zod'
import { checked } from './job.js'

const finite = z.number()

const prompt = z
  .strictObject({
    points: z
      .array(z.strictObject({ x: finite, y: finite, label: z.enum(['foreground', 'background']).exactOptional() }))
      .min(1)
      .max(maxPoints)
      .exactOptional(),
    box: z.tuple([finite, finite, finite, finite]).exactOptional(),
    text: z.string().min(1).exactOptional(),
    category: z.string().min(1).exactOptional()
  })
  .refine(({ points, box, text }) => points ?? box ?? text, { error: 'must have points, a box or a text' })

const line = z.strictObject({
  image: z.string().min(1),
  prompts: z.array(prompt).min(1).max(1024).optional(),
  phrases: z.array(z.string().trim().min(1)).min(1).max(256).optional()
})

/** A prompt of an object, in pixels of the image, and the category that the object is given. */
export type TaskPrompt = Pick<Prompt, 'points' | 'box'> & { readonly text?: string; readonly category?: string }

/** One line of a manifest: an image, by its name below the folder of images, with what to do in it. */
export interface ManifestLine {
  readonly image: string
  readonly prompts?: readonly TaskPrompt[] | undefined
  readonly phrases?: readonly string[] | undefined
}

/**
 * Reads a manifest: one image per line, either its name, or JSON: `{ "image": "a.jpg", "prompts": [{ "box": [1, 2, 30,
 * 40] }] }`. Empty lines are skipped. Throws `InputError` `E_BAD_OPTION` that names the line.
 */
export function parseManifest(text: string, label: string): readonly ManifestLine[] {
  return text.split(/\r?\n/).flatMap((row, i) => {
    if (row.trim() === '') return []
    const where = `${label}, line ${i + 1}`
    if (!row.trimStart().startsWith('{')) return [{ image: row }]
    let value: unknown
    try {
      value = JSON.parse(row)
    } catch (cause) {
      refuse('E_BAD_OPTION', `${where}: must be a name or JSON: ${(cause as Error).message}`, { cause })
    }
    return [checked<ManifestLine>(line, value, where)]
  })
}
