import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { transformWithOxc, type Plugin } from 'vite'

/** What the service worker stores. */
export interface OfflineFiles {
  readonly version: string
  readonly shell: readonly string[]
  readonly onUse: readonly string[]
}

/** A file of the build. */
interface BuiltFile {
  readonly fileName: string
  readonly content: string | Uint8Array
}

/** Models that the page stores itself, and files that the page does not load. */
const isLeftOut = (file: string): boolean => /(?:^|\/)mobile_sam[^/]*\.safetensors$|^_headers$|^NOTICE$/.test(file)
/** Large files of which a visit needs some: the runtime without WebGPU, and the tiny model. */
const isOnUse = (file: string): boolean => /\.(?:wasm|mjs|safetensors|json)$/.test(file)

/** Sorts the files of the build. */
export function offlineFiles(built: readonly BuiltFile[]): OfflineFiles {
  const files = built.filter(({ fileName }) => !isLeftOut(fileName)).sort((a, b) => (a.fileName < b.fileName ? -1 : 1))
  const hash = createHash('sha256')
  for (const { fileName, content } of files) hash.update(fileName).update('\0').update(content)
  const names = files.map(({ fileName }) => fileName)
  return {
    version: hash.digest('hex').slice(0, 16),
    shell: names.filter(file => !isOnUse(file)),
    onUse: names.filter(isOnUse)
  }
}

const source = resolve(import.meta.dirname, '../src/service-worker.ts')

/** Writes `service-worker.js` beside the built page, with the list of its files. */
export function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        const built = Object.values(bundle).map(file => ({
          fileName: file.fileName,
          content: file.type === 'chunk' ? file.code : file.source
        }))
        const files = offlineFiles(built)
        const { code } = await transformWithOxc(await readFile(source, 'utf8'), source)
        this.emitFile({
          type: 'asset',
          fileName: 'service-worker.js',
          source: `const FILES = ${JSON.stringify(files)};\n${code}`
        })
      }
    }
  }
}
