import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { openWeights, type WeightSource } from '@sam/core'
import { jsonFile, type ExportFile } from './format.js'
import { onnxFiles } from './onnx-file.js'

/** Whether a folder holds a CLIP: a SAM has no tokenizer. */
export const isClip = (folder: string): Promise<boolean> =>
  access(join(folder, 'tokenizer.json')).then(
    () => true,
    () => false
  )

/** A CLIP as ONNX models of text and vision, in the folder layout of transformers.js. `weights` are the caller's. */
export async function clipFiles(
  from: string,
  to: string,
  signal: AbortSignal
): Promise<{ files: readonly ExportFile[]; weights: WeightSource }> {
  const { layoutFiles, layoutModels, parseClipConfig, readClipFolder } = await import('@sam/clip')
  const folder = await readClipFolder(from, signal)
  const config = parseClipConfig(folder.config, join(from, 'config.json'))
  const content = Object.entries(layoutFiles(config, folder.tokenizer))
  const weights = await openWeights(folder.weights, { signal })
  const models = layoutModels(config).flatMap(({ path, input, int64Inputs, ...part }) =>
    onnxFiles(
      join(to, path),
      {
        sizes: { batch: { from: { input, axis: 0 } } },
        options: { int64Inputs },
        build: ({ batch }) => part.build(batch!)
      },
      { weights }
    )
  )
  return { weights, files: [...models, ...content.map(([path, json]) => jsonFile(join(to, path), json))] }
}
