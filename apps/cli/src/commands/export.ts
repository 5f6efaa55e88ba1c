import { join } from 'node:path'
import { openWeights } from '@sam/core'
import type { Command } from 'commander'
import type { CommonOptions, Context } from '../context.js'
import { checkOutputFolder, refuseOverwriting, writeResults } from '../files.js'
import { withCommonOptions } from '../model.js'
import { bytes, json, oneLine } from '../text.js'

/**
 * `sam export`: a CLIP as ONNX models of text and vision from our own graphs, in the layout that
 * transformers.js loads.
 */
export function addExport(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('export')
      .description('write a CLIP as ONNX, in the folder layout of transformers.js')
      .argument('<clip>', 'a Hugging Face folder: config.json, tokenizer.json, model.safetensors')
      .argument('<out>', 'the folder to write')
  ).action((from: string, to: string, options: CommonOptions) => exportClip({ from, to, options }, context))
}

async function exportClip(
  { from, to, options }: { from: string; to: string; options: CommonOptions },
  context: Context
): Promise<void> {
  const { signal, terminal } = context
  const [{ layoutFiles, layoutModels, parseClipConfig, readClipFolder }, { toOnnxOfAnyBatch }] = await Promise.all([
    import('@sam/clip'),
    import('@sam/onnx')
  ])
  const files = await readClipFolder(from, signal)
  const config = parseClipConfig(files.config, join(from, 'config.json'))
  const jsonFiles = Object.entries(layoutFiles(config, files.tokenizer))
  const models = layoutModels(config)
  const paths = [...jsonFiles.map(([path]) => path), ...models.map(({ path }) => path)].map(path => join(to, path))
  await refuseOverwriting(
    paths,
    ['config.json', 'tokenizer.json', 'model.safetensors'].map(name => join(from, name))
  )
  await checkOutputFolder(to)

  const weights = await openWeights(files.weights, { signal })
  try {
    let written = 0
    await writeResults(
      to,
      async write => {
        for (const { path, int64Inputs, ...part } of models) {
          await context.progress(options).step(`writing ${path}`, async tell => {
            const { model } = await toOnnxOfAnyBatch(batch => part.build(batch), {
              weights,
              int64Inputs,
              inlineLimit: Infinity,
              signal
            })
            await write(join(to, path), [model])
            tell(bytes((written += model.length)))
          })
        }
        for (const [path, content] of jsonFiles)
          await write(join(to, path), [new TextEncoder().encode(JSON.stringify(content))])
      },
      signal
    )
    terminal.out(options.json ? json({ folder: to, bytes: written, files: paths }) : `${oneLine(to)}\n`)
  } finally {
    await weights.close()
  }
}
