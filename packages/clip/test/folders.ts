import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { toDynamicOnnx } from '@sam/onnx'
import { clipConfigJson, layoutFiles, layoutModels } from '../src/index.js'
import { tinyClip, tinyTokenizer, tinyWeights } from './tiny-clip.js'

export interface Folders {
  /** The tiny CLIP in Hugging Face's layout. */
  readonly huggingFace: string
  /** The tiny CLIP in transformers.js' layout. */
  readonly transformersJs: string
  remove(): Promise<void>
}

export async function writeFolders(): Promise<Folders> {
  const root = await mkdtemp(join(tmpdir(), 'sam-clip-'))
  const [huggingFace, transformersJs] = [join(root, 'hugging face'), join(root, 'tiny-clip')]
  const write = async (path: string, content: Uint8Array | object): Promise<void> => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content instanceof Uint8Array ? content : JSON.stringify(content))
  }
  await write(join(huggingFace, 'config.json'), clipConfigJson(tinyClip))
  await write(join(huggingFace, 'tokenizer.json'), tinyTokenizer())
  await writeFileAtomic(join(huggingFace, 'model.safetensors'), writeSafetensors(tinyWeights()))

  for (const [path, content] of Object.entries(layoutFiles(tinyClip, tinyTokenizer())))
    await write(join(transformersJs, path), content as object)
  for (const { path, input, int64Inputs, ...part } of layoutModels(tinyClip)) {
    const { model, externalData } = await toDynamicOnnx(
      ({ batch }) => part.build(batch),
      { batch: { from: { input, axis: 0 } } },
      { weights: tinyWeights(), int64Inputs, inlineLimit: Infinity }
    )
    if (externalData) throw new Error('must be one file')
    await write(join(transformersJs, path), model)
  }
  return { huggingFace, transformersJs, remove: () => rm(root, { recursive: true }) }
}
