import { InputError } from '@sam/core/graph'
import type { SamConfig } from '@sam/core'
import { example } from './example.js'
import { isUnfit } from './check-sample.js'
import type { Dataset } from './dataset.js'

/**
 * Checks that at least one of the first hundred samples can be used. Throws `InputError` `E_BAD_IMAGE` where none can.
 */
export async function checkData(data: Dataset, config: SamConfig): Promise<void> {
  const count = Math.min(100, data.size)
  let why = 'no mask'
  for (let i = 0; i < count; i++) {
    try {
      const sample = await data.read(i)
      if (example(sample, config).targets.length) return
      why = sample.skipped?.[0] ?? why
    } catch (error) {
      if (!isUnfit(error)) throw error
      why = error.message
    }
  }
  throw new InputError(
    'E_BAD_IMAGE',
    `none of ${count} samples can be used: each is unreadable, or its masks are empty, too small or over 90% ` +
      `of the image. The last: ${why}`
  )
}
