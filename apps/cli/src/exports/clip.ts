import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { openWeights, type WeightSource } from '@sam/core'
import { dtypes, jsonFile, type ExportFile, type FormatOptions } from './format.js'
import { onnxFiles, precisions } from './onnx-file.js'

/** Whether a folder holds a CLIP: a SAM has no tokenizer. */
export const isClip = (folder: string): Promise<boolean> =>
  access(join(folder, 'tokenizer.json')).then(
    () => true,
    () => false
  )

/** A CLIP as ONNX models of text and vision, in the folder layout of transformers.js. `weights` are the caller's. */
export async function clipFiles(
  { from, to, options }: { from: string; to: string; options: FormatOptions },
  signal: AbortSignal
): Promise<{ files: readonly ExportFile[]; weights: WeightSource }> {
  const kinds = dtypes(options, precisions, ['f32']).map(dtype => precisions[dtype])
  const { layoutFiles, layoutModels, parseClipConfig, readClipFolder } = await import('@sam/clip')
  const folder = await readClipFolder(from, signal)
  const config = parseClipConfig(folder.config, join(from, 'config.json'))
  const content = Object.entries(layoutFiles(config, folder.tokenizer))
  const weights = await openWeights(folder.weights, { signal })
  const models = kinds.flatMap(({ precision, suffix }) =>
    layoutModels(config).flatMap(({ path, input, int64Inputs, build }) =>
      onnxFiles(
        join(to, path.replace(/(?=\.onnx$)/, suffix)),
        {
          sizes: { batch: { from: { input, axis: 0 } } },
          options: { int64Inputs },
          build: ({ batch }) => build(batch)
        },
        { weights, precision }
      )
    )
  )
  return { weights, files: [...models, ...content.map(([path, json]) => jsonFile(join(to, path), json))] }
}
