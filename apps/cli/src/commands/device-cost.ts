/** What WebGPU would be asked for by a model, from the schedule alone: no device is opened, no weights are read. */
import type { SamConfig } from '@sam/core'
import { absorbProjections } from '@sam/core/graph'
import { decodeMasks, encodeImage } from '@sam/core/model'
import type { Demand, ScheduleOptions } from '@sam/backend-webgpu'
import { bytes, short, table } from '../text.js'

/** The demand of each graph, by what it answers. */
export type DeviceCost = Readonly<Record<'imageEncoder' | 'maskDecoder', Demand & { readonly halfWeightBytes: number }>>

/** Binding limit that every WebGPU device has. */
const everyDevice = 128 * 2 ** 20

/** Adds up the dispatches of an encode and of a click. */
export async function deviceCost(config: SamConfig): Promise<DeviceCost> {
  const { demandOf, schedules } = await import('@sam/backend-webgpu')
  const demand = (graph: ReturnType<typeof encodeImage>): DeviceCost['imageEncoder'] => {
    const of = (options: ScheduleOptions): Demand => demandOf(schedules(graph, { ...options, limits: roomy }).run)
    return { ...of({}), halfWeightBytes: of({ halfWeights: true }).weightBytes }
  }
  return {
    imageEncoder: demand(encodeImage(config)),
    maskDecoder: demand(absorbProjections(decodeMasks(config, { prompts: 1, points: 2 }), ['image_embedding']))
  }
}

/**
 * Limits of a large GPU's buffers, so that a model too large for every device is told and not refused. The rest is what
 * every device has.
 */
const roomy = { bufferBytes: 2 ** 32 - 4, sharedBytes: 16384, buffers: 8 }

/** The same as a table. */
export function deviceTable({ imageEncoder, maskDecoder }: DeviceCost): string {
  const row = (
    title: string,
    { dispatches, flops, largest, peakBytes, weightBytes, halfWeightBytes }: DeviceCost['imageEncoder']
  ): string[] => [
    title,
    String(dispatches),
    short(flops, 'F'),
    bytes(peakBytes),
    bytes(largest.bytes),
    largest.name,
    `${bytes(weightBytes)} / ${bytes(halfWeightBytes)}`
  ]
  const over = [imageEncoder, maskDecoder].some(d => d.largest.bytes > everyDevice)
  return [
    table('lrrrrlr', [
      ['webgpu', 'dispatches', 'FLOPs', 'peak', 'largest', 'buffer', 'weights, f32 / halves'],
      row('image encoder', imageEncoder),
      row('mask decoder', maskDecoder)
    ]),
    `Peak: most bytes alive at once, weights aside. Every device allows buffers of 128 MiB (${bytes(everyDevice)}): ${over ? 'not all run it' : 'all run it'}.\n`
  ].join('')
}
