import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { WeightSource } from '@sam/core'
import type { CommonOptions, Context } from '../context.js'
import { clipFiles, isClip } from '../exports/clip.js'
import type { ExportFile, Format, FormatOptions } from '../exports/format.js'
import { formats } from '../exports/formats.js'
import { usage } from '../failure.js'
import { checkOutputFolder, counted, refuseOverwriting, writeResults } from '../files.js'
import { configOf, decoderHeadsOption, openModel, recognisedOrUsage, withCommonOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { bytes, json, oneLine } from '../text.js'

interface ExportOptions extends CommonOptions, FormatOptions {
  readonly format: keyof typeof formats
  readonly model?: string
  readonly decoderHeads?: number
}

/**
 * `sam export`: a SAM or a CLIP in the formats of other software. Meta's options are those of its
 * `export_onnx_model.py`.
 */
export function addExport(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('export')
      .description('write a SAM, or a CLIP, in the format of other software')
      .argument('<model>', 'a .pth, safetensors or ONNX file, a Hugging Face folder, or the bundled mobile_sam or tiny')
      .argument('<out>', 'the file or the folder to write')
  )
    .addOption(
      new Option(
        '--format <name>',
        "transformers: a folder for transformers.js; meta-decoder, meta-encoder: an ONNX file as Meta's SamOnnxModel; safetensors, pth: the weights; hf: a folder for Python's transformers"
      )
        .choices(Object.keys(formats))
        .default('transformers')
    )
    .addOption(
      new Option(
        '--dtype <types>',
        'weights of transformers: f32, f16, q8, or several, separated by commas; of meta-encoder one of these; of safetensors, pth and hf: f32, f16, bf16 (default: f32, or unchanged)'
      ).argParser(text => text.split(','))
    )
    .option('--model <name>', 'the model of the checkpoint: vit_b, vit_l, vit_h, or a .json file (default: recognised)')
    .addOption(decoderHeadsOption())
    .option('--return-single-mask', 'meta-decoder: return the best mask alone')
    .option('--use-stability-score', 'meta-decoder: return the stability score instead of the predicted IoU')
    .option('--return-extra-metrics', 'meta-decoder: also return stability_scores and areas of the full-size masks')
    .option('--gelu-approximate', 'meta-decoder: approximate GELU with tanh, for runtimes with a slow erf')
    .addOption(
      new Option('--opset <n>', 'meta-decoder: operator set version, 13 to 20 (default: 17)').argParser(
        wholeNumber('--opset', { least: 13, most: 20 })
      )
    )
    .option('--quantize-out <file>', 'meta-decoder: also write the model with weights quantized to uint8')
    .action((from: string, to: string, options: ExportOptions) => exportModel({ from, to, options }, context))
}

/** The options that not every format reads. */
const formatOptions = [
  'returnSingleMask',
  'useStabilityScore',
  'returnExtraMetrics',
  'geluApproximate',
  'opset',
  'quantizeOut',
  'dtype'
] as const

interface Request {
  readonly from: string
  readonly to: string
  readonly options: ExportOptions
}

async function exportModel({ from, to, options }: Request, context: Context): Promise<void> {
  const { signal, terminal } = context
  const format: Format = formats[options.format]
  for (const option of formatOptions)
    if (options[option] !== undefined && !format.reads.includes(option))
      throw usage(
        `--${option.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)} has no effect with --format ${options.format}`
      )

  const { files, weights } = await plannedExport({ from, to, options }, signal)
  try {
    const inputs = ['', 'config.json', 'tokenizer.json', 'model.safetensors'].map(name => join(from, name))
    await refuseOverwriting(
      files.map(({ path }) => path),
      inputs
    )
    if (format.folder) await checkOutputFolder(to)
    const sizes: number[] = []
    await writeResults(
      format.folder ? to : undefined,
      async write => {
        for (const { path, chunks } of files)
          await context.progress(options).step(`writing ${path}`, async tell => {
            let size = 0
            const show = (done: number): void => tell(bytes((size = done)))
            await write(path, counted(await chunks(signal), show))
            sizes.push(size)
          })
      },
      signal
    )
    const total = sizes.reduce((a, b) => a + b, 0)
    const paths = files.map(({ path }) => path)
    terminal.out(
      options.json
        ? json({ ...(format.folder ? { folder: to } : { file: to }), bytes: total, files: paths })
        : `${oneLine(to)}\n`
    )
  } finally {
    await weights.close()
  }
}

/** What is to be written, and the open weights that it is read from. */
async function plannedExport(
  { from, to, options }: Request,
  signal: AbortSignal
): Promise<{ files: readonly ExportFile[]; weights: WeightSource }> {
  const format: Format = formats[options.format]
  if (options.format === 'transformers' && (await isClip(from))) return clipFiles({ from, to, options }, signal)
  const given = await configOf(options.model, signal)
  const { weights, config: bundled } = await openModel(from, { signal })
  try {
    const config = () => given ?? bundled ?? recognisedOrUsage(weights, options)
    return { weights, files: await format.files({ weights, config }, to, options) }
  } catch (error) {
    await weights.close()
    throw error
  }
}
