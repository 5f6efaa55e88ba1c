import type { Command } from 'commander'
import { Option } from 'commander'
import { configKey, storedIn, writePth, writeSafetensors } from '@sam/core/model'
import { handleSignals, type CommonOptions, type Context } from '../context.js'
import { storedTypes } from '../exports/format.js'
import { usage } from '../failure.js'
import { counted, refuseOverwriting, writeOutput } from '../files.js'
import {
  configOf,
  decoderHeadsOption,
  downloadOf,
  downloadOption,
  openModel,
  recognised,
  withCommonOptions,
  type DownloadOption,
  type Recognised
} from '../model.js'
import { bytes, json, oneLine } from '../text.js'

interface ConvertOptions extends CommonOptions, DownloadOption {
  readonly dtype?: keyof typeof storedTypes
  readonly model?: string
  readonly decoderHeads?: number
}

/**
 * `sam convert`: a checkpoint in another container or precision, under Meta's names. One tensor is in memory at a time.
 */
export function addConvert(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('convert')
      .description('write a checkpoint as safetensors or .pth, in full or half precision')
      .argument('<in>', 'a .pth, safetensors, a Hugging Face folder, hf:OWNER/NAME, or the bundled mobile_sam or tiny')
      .argument('<out>', 'a .safetensors or .pth file')
  )
    .addOption(
      new Option('--dtype <type>', 'type of the stored weights (default: unchanged)').choices(Object.keys(storedTypes))
    )
    .option('--model <name>', 'store the configuration in a safetensors file: vit_b, vit_l, vit_h, or a .json file')
    .addOption(decoderHeadsOption())
    .addOption(downloadOption())
    .action((from: string, to: string, options: ConvertOptions) => convert({ from, to, options }, context))
}

async function convert(
  { from, to, options }: { from: string; to: string; options: ConvertOptions },
  context: Context
): Promise<void> {
  const { signal, terminal } = context
  const form = /\.(safetensors|pth|pt)$/.exec(to)?.[1]
  if (!form) throw usage(`the output must be a .safetensors or .pth file, found ${to}`)
  if ((options.model ?? options.decoderHeads) !== undefined && form !== 'safetensors')
    throw usage('--model and --decoder-heads store the configuration in a safetensors file; a .pth cannot hold it')
  await refuseOverwriting([to], [from])
  const given = await configOf(options.model)
  const { weights: source, config: bundled } = await openModel(from, { signal, download: downloadOf(options) })
  try {
    const found: Recognised = bundled ? { config: bundled } : recognised(source, options)
    await handleSignals(signal)
    if (options.decoderHeads !== undefined && found.problem !== undefined) throw usage(found.problem)
    const config = given ?? (options.decoderHeads === undefined ? undefined : found.config)
    const tensors = options.dtype ? storedIn(source, storedTypes[options.dtype]) : source
    const metadata = { ...source.metadata, ...(config ? { [configKey]: JSON.stringify(config) } : {}) }
    const size = await context.progress(options).step(`converting ${from}`, async tell => {
      let size = 0
      const chunks =
        form === 'safetensors' ? writeSafetensors(tensors, { metadata, signal }) : writePth(tensors, { signal })
      const show = (done: number): void => tell(bytes((size = done)))
      await writeOutput(to, counted(chunks, show), signal)
      return size
    })
    const model = config ?? found.config
    terminal.out(
      options.json
        ? json({ file: to, bytes: size, tensors: source.names.length, model: model?.name ?? null })
        : `${oneLine(to)}\n`
    )
  } finally {
    await source.close()
  }
}
