import { chromium, type Browser } from 'playwright-core'
import { ensureChromium } from '../../../tools/chromium/index.js'

/**
 * Launches the test browser. Canvas and page render without the emulated GPU, which needs seconds per outline. The
 * camera is a fake device with a test pattern.
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
