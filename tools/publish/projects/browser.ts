import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { chromium } from 'playwright'
import { preview } from 'vite'
import { ensureChromium } from '../../chromium/index.js'
import { sampleOf, type Shell } from '../shell.js'
import { checkClick, photo } from './check.js'

/** The browser sample of the README, word for word, bundled by Vite and run in Chromium with and without WebGPU. */
export async function browser(shell: Shell): Promise<void> {
  const began = performance.now()
  shell.run(sampleOf('README.md', 'sh', 1))
  shell.report('browser')
  shell.run('npm install vite')
  shell.copy(photo, 'public/photo.jpg')
  shell.write('index.html', '<canvas></canvas><script type="module" src="/main.ts"></script>')
  shell.write('main.ts', `${before}${sampleOf('README.md', 'ts', 1)}${after}`)
  shell.run('npx vite build')
  const server = await preview({ root: shell.folder, logLevel: 'error', preview: { port: 0 } })
  try {
    const url = server.resolvedUrls!.local[0]
    for (const backend of ['wasm', 'webgpu'] as const) {
      const { result, paths } = await open(url, backend)
      if (result) {
        checkClick(result)
        console.log(`  ${backend}: a mask after ${((performance.now() - began) / 1000).toFixed(1)} s`)
      }
      const files = paths.map(path => shell.read(join('dist', path === '/' ? 'index.html' : path)))
      const forms = { plain: files, gzip: files.map(file => gzipSync(file)), brotli: files.map(brotli) }
      for (const [form, encoded] of Object.entries(forms)) {
        const all = encoded.reduce((sum, { length }) => sum + length, 0)
        const each = paths.map((path, i) => `${path} ${encoded[i].length}`)
        console.log(`  ${backend}, ${form}: ${(all / 1e6).toFixed(1)} MB (${each.join(', ')})`)
      }
    }
  } finally {
    await server.close()
  }
}

/** Draws the photo on the canvas of the sample. */
const before = `
const page = document.querySelector('canvas')!
const bitmap = await createImageBitmap(await (await fetch('/photo.jpg')).blob())
Object.assign(page, { width: bitmap.width, height: bitmap.height })
page.getContext('2d')!.drawImage(bitmap, 0, 0)
`

/** Tells the test what the sample found. */
const after = `
const { predictedIou, area } = masks[0]
Object.assign(window, { result: { predictedIou, area } })
`

interface Found {
  readonly predictedIou: number
  readonly area: number
}

/**
 * Opens the page, and lists the files of the site that it loads. With wasm, it waits for the sample's result; WebGPU is
 * emulated on the CPU here, where an encode takes minutes, so it only waits until the weights are loaded.
 */
async function open(
  url: string,
  backend: 'wasm' | 'webgpu'
): Promise<{ readonly result: Found | undefined; readonly paths: readonly string[] }> {
  const { executablePath, args, env } = ensureChromium()
  const started = await chromium.launch({
    executablePath,
    args: backend === 'webgpu' ? [...args] : ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    env: { ...process.env, ...env }
  })
  try {
    const page = await started.newPage()
    const paths = new Set<string>()
    let error: Error | undefined
    page.on('pageerror', found => (error = found))
    page.on('requestfinished', request => {
      if (request.url().startsWith(url)) paths.add(new URL(request.url()).pathname)
    })
    await page.goto(url)
    for (let i = 0; i < 600; i++) {
      if (error) throw error
      const result = await page.evaluate(() => (globalThis as { result?: Found }).result)
      const isLoaded = [...paths].filter(path => path.endsWith('.onnx')).length === 2
      if (result || (backend === 'webgpu' && isLoaded)) {
        const hasWasm = [...paths].some(path => path.endsWith('.wasm'))
        if (hasWasm !== (backend === 'wasm')) throw new Error(`${backend}: the page loaded ${[...paths].join(' ')}`)
        return { result, paths: [...paths].filter(path => path !== '/photo.jpg').sort() }
      }
      await new Promise(resolve => setTimeout(resolve, 500))
    }
    throw new Error(`no result after 5 minutes; the page loaded ${[...paths].join(' ')}`)
  } finally {
    await started.close()
  }
}

/** Quality 9: the level at which servers compress a file once; 11 takes minutes for the weights. */
const brotli = (file: Buffer): Buffer => brotliCompressSync(file, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
