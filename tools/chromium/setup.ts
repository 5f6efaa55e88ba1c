/**
 * Vitest global setup: workers start after it, so Dawn in Node finds the Vulkan driver, and a browser test finds its
 * browser.
 */
import { emulatedGpu } from './index.js'

export function setup(): void {
  const environment = emulatedGpu()
  if (process.env.SAM_VULKAN === 'system') return // the machine's own GPU
  Object.assign(process.env, environment)
}
