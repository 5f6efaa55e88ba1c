import { chromium, type Browser } from 'playwright-core'
import { ensureChromium } from '../../../tools/chromium/index.js'

/**
 * Launches the test browser, without a GPU by default: an emulated one slows down all drawing. With `webgpu`, canvas
 * and page still render without it, since it needs seconds per outline. The camera is a fake device with a test
 * pattern.
 */
export function launch({ webgpu = false } = {}): Promise<Browser> {
  const { executablePath, args, argsWithoutGpu, env } = ensureChromium()
  return chromium.launch({
    executablePath,
    args: [
      ...(webgpu ? [...args, '--disable-accelerated-2d-canvas', '--disable-gpu-rasterization'] : argsWithoutGpu),
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream'
    ],
    env: { ...process.env, ...env }
  })
}
