import { chromium, type Browser } from 'playwright-core'
import { ensureChromium } from '../../../tools/chromium/index.js'

/**
 * The test bed's browser. Canvas and page are drawn without the emulated GPU, which takes seconds for an outline; its
 * camera shows a test picture.
 */
export function launch(): Promise<Browser> {
  const { executablePath, args, env } = ensureChromium()
  return chromium.launch({
    executablePath,
    args: [
      ...args,
      '--disable-accelerated-2d-canvas',
      '--disable-gpu-rasterization',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream'
    ],
    env: { ...process.env, ...env }
  })
}
