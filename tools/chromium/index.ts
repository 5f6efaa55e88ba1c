/**
 * A browser with WebGPU and a Vulkan driver from npm alone: what `@sparticuz/chromium` packs, unpacked once into
 * `.cache/chromium`.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import { untar } from './untar.js'

/** Where the browser and the driver are, and how to start them. */
export interface Chromium {
  readonly executablePath: string
  /** With WebGPU on an emulated GPU, which also draws the page. */
  readonly args: readonly string[]
  /** Without a GPU: the page is drawn on the CPU, in two thirds of the time. */
  readonly argsWithoutGpu: readonly string[]
  /** Variables the browser's process needs beside its own. */
  readonly env: Readonly<Record<string, string>>
  /** For Dawn in Node: `VK_ICD_FILENAMES`. */
  readonly vulkanIcd: string
  /** For Dawn in Node: `LD_LIBRARY_PATH`, which must be set before the process starts. */
  readonly libraryPath: string
}

const cache = resolve(dirname(fileURLToPath(import.meta.url)), '../../.cache/chromium')
/** Grows with a change of what is unpacked, so that a folder from before is not taken. */
const layout = 2

const argsOfAll = ['--no-sandbox', '--disable-dev-shm-usage']

/** The folder of a package that may hide its package.json behind `exports`. */
function packageFolder(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  return entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length)
}

/**
 * Where the unpacked files are, without unpacking them: a browser's configuration is read before anything runs.
 * `SAM_CHROMIUM` names another browser's executable; the Vulkan driver stays ours.
 */
export function locateChromium(): Chromium {
  const { version } = JSON.parse(readFileSync(join(packageFolder('@sparticuz/chromium'), 'package.json'), 'utf8')) as {
    version: string
  }
  const folder = join(cache, `${version}-${layout}`)
  const own = process.env.SAM_CHROMIUM
  const libraryPath = [folder, join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':')
  return {
    executablePath: own ?? join(folder, 'chromium'),
    args: [
      ...argsOfAll,
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      // A canvas that draws with WebGPU kills the GPU process unless compositing runs on the same driver.
      '--enable-features=Vulkan',
      '--use-vulkan=swiftshader',
      '--use-angle=swiftshader'
    ],
    argsWithoutGpu: [...argsOfAll, '--disable-gpu'],
    env: own ? {} : { LD_LIBRARY_PATH: libraryPath, FONTCONFIG_PATH: folder },
    vulkanIcd: join(folder, 'vk_swiftshader_icd.json'),
    libraryPath
  }
}

/**
 * Unpacks what is not unpacked yet, all or nothing, and says where it is. Throws where the system is not Linux on x64
 * and `SAM_CHROMIUM` is not set.
 */
export function ensureChromium(): Chromium {
  const found = locateChromium()
  const folder = dirname(found.vulkanIcd)
  if (!existsSync(folder)) unpackInto(folder)
  writeFontsConf(folder)
  return found
}

/** The environment in which Dawn finds the packed driver, an emulation on the CPU. For a process that starts later. */
export function emulatedGpu(): Readonly<Record<'VK_ICD_FILENAMES' | 'LD_LIBRARY_PATH', string>> {
  const { vulkanIcd, libraryPath } = ensureChromium()
  return { VK_ICD_FILENAMES: vulkanIcd, LD_LIBRARY_PATH: libraryPath }
}

function unpackInto(folder: string): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The packed Chromium runs on Linux x64 only, found ${process.platform} ${process.arch}: set SAM_CHROMIUM to a browser's executable.`
    )
  }
  const packed = join(packageFolder('@sparticuz/chromium'), 'bin')
  mkdirSync(cache, { recursive: true })
  const unfinished = mkdtempSync(join(cache, 'unpacking-'))
  try {
    for (const name of ['swiftshader', 'al2023', 'fonts']) {
      for (const file of untar(unbrotli(join(packed, `${name}.tar.br`)))) place(unfinished, file)
    }
    place(unfinished, { name: 'chromium', mode: 0o755, data: unbrotli(join(packed, 'chromium.br')) })
    try {
      renameSync(unfinished, folder)
    } catch (error) {
      if (!existsSync(folder)) throw error // else another process was first
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/**
 * Tells fontconfig where the packed fonts are: the packed file names a folder of its own, and a browser without a font
 * ends at a letter that it looks for. Written at every start, because it holds the folder's absolute path and the
 * folder may have moved; all at once, because other browsers may be reading it.
 */
function writeFontsConf(folder: string): void {
  const path = join(folder, 'fonts.conf')
  const unfinished = `${path}.${process.pid}`
  writeFileSync(
    unfinished,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>\n`
  )
  renameSync(unfinished, path)
}

const unbrotli = (path: string): Buffer => brotliDecompressSync(readFileSync(path))

function place(folder: string, { name, mode, data }: { name: string; mode: number; data: Uint8Array }): void {
  const path = resolve(folder, name)
  if (!path.startsWith(folder)) throw new Error(`chromium: ${name} must stay inside its folder`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, data)
  chmodSync(path, mode)
}
