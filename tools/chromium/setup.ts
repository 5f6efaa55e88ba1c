/**
 * Vitest global setup: workers start after it, so Dawn in Node finds the Vulkan driver, and a browser test finds its
 * browser.
 */
import { ensureChromium } from './index.js'

export function setup(): void {
  const { vulkanIcd, libraryPath } = ensureChromium()
  if (process.env.SAM_VULKAN === 'system') return // the machine's own GPU
  process.env.VK_ICD_FILENAMES = vulkanIcd
  process.env.LD_LIBRARY_PATH = libraryPath
}
