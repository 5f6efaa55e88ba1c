import { existsSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { configs, openWeights, type SamConfig } from '@sam/core'
import { decodeMasks, encodeImage, isTinyVit, isVit, modelCost, type GraphCost, type ModelCost } from '@sam/core/model'
import { print, sizeOf, storedBytes, type WeightInfo } from '@sam/core/graph'
import { handleSignals, type CommonOptions, type Context } from '../context.js'
import { usage } from '../failure.js'
import {
  configOf,
  decoderHeadsOption,
  downloadOf,
  downloadOption,
  recognised,
  withCommonOptions,
  type DownloadOption
} from '../model.js'
import { bytes, json, oneLine, percent, short, table } from '../text.js'
import { deviceCost, deviceTable } from './device-cost.js'

interface InspectOptions extends CommonOptions, DownloadOption {
  readonly model?: string
  readonly decoderHeads?: number
  readonly graph?: boolean
  readonly backend?: 'webgpu'
}

/** The contents of a checkpoint file. */
interface FileReport {
  readonly label: string
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: readonly WeightInfo[]
  /** Why a SAM's configuration cannot be recognised from its file. */
  readonly problem?: string | undefined
}

/** `sam inspect`: costs of a model by part, and the contents of a checkpoint. */
export function addInspect(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('inspect')
      .description('parameters, FLOPs and memory of a model; names and types of a checkpoint')
      .argument('<what>', `a checkpoint, ${Object.keys(configs).join(', ')}, or a configuration in a .json file`)
  )
    .option('--model <name>', 'the model of a checkpoint whose file does not determine it: a name or a .json file')
    .addOption(decoderHeadsOption())
    .addOption(downloadOption())
    .option('--graph', 'print the graphs: the image encoder, and the decoder of one click')
    .addOption(
      new Option(
        '--backend <name>',
        'what a device must provide: largest buffer, peak of live bytes, dispatches; needs no device'
      ).choices(['webgpu'])
    )
    .action((what: string, options: InspectOptions) => inspect(what, options, context))
}

async function inspect(what: string, options: InspectOptions, { terminal, signal }: Context): Promise<void> {
  const { file, config } = await open(what, options, signal)
  await handleSignals(signal)
  const cost = config && modelCost(config)
  const graphs =
    config && options.graph ? [encodeImage(config), decodeMasks(config, { prompts: 1, points: 2 })].map(print) : []
  const device = config && options.backend && (await deviceCost(config))
  if (options.json) {
    terminal.out(
      json({
        model: config ?? null,
        cost: cost ?? null,
        file: file ?? null,
        ...(options.graph ? { graphs } : {}),
        ...(options.backend ? { [options.backend]: device ?? null } : {})
      })
    )
  } else if (options.graph) terminal.out(graphs.join('\n\n') + '\n')
  else
    terminal.out(
      [
        file && fileSummary(file, config),
        config && cost && `${describeConfig(config)}\n\n${costTables(cost)}`,
        device && deviceTable(device),
        file && tensorTable(file)
      ]
        .filter(Boolean)
        .join('\n')
    )
}

async function open(
  what: string,
  options: InspectOptions,
  signal: AbortSignal
): Promise<{ file?: FileReport; config?: SamConfig | undefined }> {
  const { model, decoderHeads } = options
  if (Object.hasOwn(configs, what) && !existsSync(what)) return { config: configs[what] }
  if (what.endsWith('.json')) return { config: await configOf(what, signal) }
  if (!existsSync(what) && !/^(https?|hf):/i.test(what))
    throw usage(`${what} is neither a file nor a model; models are ${Object.keys(configs).join(', ')}`)
  const given = await configOf(model)
  const source = await openWeights(what, { signal, download: downloadOf(options) })
  try {
    const { config, problem } = given ? { config: given } : recognised(source, { decoderHeads })
    const file = {
      label: source.label,
      metadata: source.metadata,
      tensors: source.names.map(name => source.info(name)),
      problem
    }
    return { file, config }
  } finally {
    await source.close()
  }
}

function fileSummary({ label, metadata, tensors, problem }: FileReport, config: SamConfig | undefined): string {
  const kinds = new Map<string, number>()
  for (const { dtype } of tensors) kinds.set(dtype, (kinds.get(dtype) ?? 0) + 1)
  const size = tensors.reduce((sum, t) => sum + storedBytes[t.dtype] * sizeOf(t.shape), 0)
  const types = [...kinds].map(([dtype, n]) => `${n} ${dtype}`).join(', ')
  const notes = Object.entries(metadata).map(
    ([key, value]) => `  ${oneLine(key)}: ${oneLine(value.length > 200 ? `${value.slice(0, 200)}…` : value)}\n`
  )
  const model = config ? `model ${oneLine(config.name)}` : problem ? 'a SAM' : 'not recognised as a SAM'
  return `${oneLine(label)}\n${tensors.length} tensors (${types}), ${bytes(size)}; ${model}\n${notes.join('')}${problem ? `${problem}\n` : ''}`
}

function describeConfig({ name, imageSize, imageEncoder: e, width, decoder }: SamConfig): string {
  const encoder = isVit(e)
    ? `ViT of ${e.depth} blocks (${e.globalBlocks.length} global), ${e.width} wide, ${e.heads} heads, ${e.window}×${e.window} windows, ${e.patchSize}×${e.patchSize} patches`
    : isTinyVit(e)
      ? `TinyViT of ${e.depths.join(' + ')} blocks, ${e.widths.join(', ')} wide, ${e.heads.join(', ')} heads, windows of ${e.windows.join(', ')}`
      : e.name
  return `${oneLine(name)}: ${imageSize}×${imageSize} input; ${encoder}; embedding ${width} wide; decoder of ${decoder.depth} layers, ${decoder.heads} heads`
}

function costTables({ imageEncoder, maskDecoder, perImage, decoderShare }: ModelCost): string {
  const weights = (parameters: number): string[] => (parameters ? [short(parameters), bytes(4 * parameters)] : ['', ''])
  const partRows = (title: string, { parts, parameters, flops }: GraphCost): string[][] => [
    [title, ...weights(parameters), short(flops, 'F')],
    ...parts.map(part => [
      `  ${part.part}`,
      ...weights(part.parameters),
      ...(part.flops ? [short(part.flops, 'F'), percent(part.flops / flops)] : [])
    ])
  ]
  const memoryRows = (title: string, { fused, decomposed }: GraphCost): string[][] => [
    [title, 'fused', bytes(fused.peakBytes), bytes(fused.largestBytes), fused.largest],
    ['', 'decomposed', bytes(decomposed.peakBytes), bytes(decomposed.largestBytes), decomposed.largest]
  ]
  return [
    table('lrrrr', [
      ['part', 'parameters', 'as f32', 'FLOPs', 'share'],
      ...partRows('image encoder, per image', imageEncoder),
      ...partRows('mask decoder, per click', maskDecoder),
      ['model', ...weights(imageEncoder.parameters + maskDecoder.parameters)]
    ]),
    `mask decoder / image encoder: ${percent(decoderShare)} of the compute; ${short(perImage, 'F')} of a click is done once per image\n`,
    table('llrrl', [
      ['memory beside weights', 'composites', 'peak', 'largest', 'value'],
      ...memoryRows('image encoder', imageEncoder),
      ...memoryRows('mask decoder', maskDecoder)
    ]),
    'FLOPs: two for each multiply-add of the contractions. Fused: each composite is one kernel. Decomposed: into primitives.\n'
  ].join('\n')
}

const tensorTable = ({ tensors }: FileReport): string =>
  table('lll', [
    ['tensor', 'type', 'shape'],
    ...tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(',')}]`])
  ])
