import type { z } from '@hono/zod-openapi'
import type { AutomaticMask, MaskUpdate } from '@sam/core'
import { maskAnswer } from './mask-answer.js'
import type { GenerateLine, MaskFormat } from './schemas.js'

/** The lines of a stream of masks. Masks have numbers, by which later lines remove them. */
export async function* maskLines(
  updates: AsyncIterable<MaskUpdate>,
  format: MaskFormat
): AsyncGenerator<z.infer<typeof GenerateLine>> {
  const ids = new Map<AutomaticMask, number>()
  let serial = 0
  for await (const { added, removed, done, total } of updates) {
    const gone = removed.map(mask => ids.get(mask)!)
    for (const mask of removed) ids.delete(mask)
    const lines = added.map(async one => {
      const id = serial++
      ids.set(one, id)
      const { mask, point, tokenIndex, stability, crop } = one
      const [x0, y0, x1, y1] = crop
      return {
        id,
        ...(await maskAnswer(mask, format, tokenIndex)),
        stability_score: stability,
        point: [point.x, point.y] as [number, number],
        crop: [x0, y0, x1, y1] as [number, number, number, number]
      }
    })
    yield { added: await Promise.all(lines), removed: gone, done, total }
  }
}
