import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { ensureChromium } from '../../../tools/chromium/index.js'

/**
 * The test bed's browser. It is told where its fonts are: without one it draws no text, and ends at a letter that it looks for. Canvas and page are
 * drawn without the emulated GPU, which takes seconds for an outline; its camera shows a test picture.
 */
export function launch(scratch: string): Promise<Browser> {
  const { executablePath, args, env, vulkanIcd } = ensureChromium()
  mkdirSync(scratch, { recursive: true })
  const fonts = `<dir>${join(dirname(vulkanIcd), 'fonts')}</dir><cachedir>${join(scratch, 'fonts')}</cachedir>`
  writeFileSync(join(scratch, 'fonts.conf'), `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${fonts}</fontconfig>`)
  const variables = { ...process.env, ...env, ...('FONTCONFIG_PATH' in env ? { FONTCONFIG_PATH: scratch } : {}) }
  return chromium.launch({
    executablePath,
    args: [
      ...args,
      '--disable-accelerated-2d-canvas',
      '--disable-gpu-rasterization',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream'
    ],
    env: variables
  })
}
