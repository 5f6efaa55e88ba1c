/** Demands of a model on a WebGPU device, from its schedules: no device is opened, no weights are read. */
import type { SamConfig } from '@sam/core'
import { absorbProjections } from '@sam/core/graph'
import { decodeMasks, encodeImage } from '@sam/core/model'
import type { Demand, ScheduleOptions } from '@sam/backend-webgpu'
import { bytes, short, table } from '../text.js'

/** The demand of each graph. */
export type DeviceCost = Readonly<Record<'imageEncoder' | 'maskDecoder', Demand & { readonly halfWeightBytes: number }>>

/** Binding limit that every WebGPU device has. */
const everyDevice = 128 * 2 ** 20

/** Sums the dispatches of the image encoder and of one click. */
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
 * Buffer limits of a large GPU, so that a model too large for some devices is reported and not refused. The other
 * limits are those of every device.
 */
const roomy = { bufferBytes: 2 ** 32 - 4, sharedBytes: 16384, buffers: 8 }

/** The demand as a table. */
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
    `Peak: most live bytes, without weights. Every device allows buffers of 128 MiB (${bytes(everyDevice)}): ${over ? 'not all run it' : 'all run it'}.\n`
  ].join('')
}
