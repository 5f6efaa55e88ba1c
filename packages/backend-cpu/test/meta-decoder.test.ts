import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configs, openWeights, type SamConfig, type WeightSource } from '@sam/core'
import { toDynamicOnnx, type OnnxOptions } from '@sam/onnx'
import { metaDecoder, metaEncoder, type MetaDecoderOptions } from '@sam/onnx/sam'
import type * as Ort from 'onnxruntime-node'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'

const config: SamConfig = configs['tiny-test']
const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))

/** The numbers of Meta's SamOnnxModel: tools/reference/onnx_decoder.py. */
describe("metaDecoder equals Meta's SamOnnxModel", () => {
  let [weights, io] = [] as unknown as [WeightSource, WeightSource]
  let ort: typeof Ort
  beforeAll(async () => {
    process.env.ORT_DISABLE_TELEMETRY ??= '1'
    ort = await import('onnxruntime-node')
    weights = await openWeights(fixture('tiny-checkpoint.safetensors'))
    io = await openWeights(new Uint8Array(readFileSync(fixture('onnx-decoder.safetensors'))))
  })

  const open = async (options: MetaDecoderOptions, how: Partial<OnnxOptions> = {}): Promise<InferenceSession> => {
    const { build, sizes, ...model } = metaDecoder(config, options)
    const { model: bytes } = await toDynamicOnnx(build, sizes, {
      ...model.options,
      ...how,
      weights,
      inlineLimit: Infinity
    })
    return ort.InferenceSession.create(bytes)
  }
  const tensor = async (name: string): Promise<Tensor> => {
    const { shape, data } = await io.read(name)
    return new ort.Tensor('float32', data, shape)
  }
  const inputs = ['point_coords', 'point_labels', 'has_mask_input', 'orig_im_size'] as const
  /** The largest error of each output over the cases of a set of options, relative to its largest value. */
  const errorsOf = async (key: string, session: InferenceSession): Promise<Record<string, number>> => {
    const cases = new Set(io.names.filter(n => n.startsWith(`${key}/`)).map(n => n.split('/')[1]))
    expect(cases.size).toBe(4)
    const errors: Record<string, number> = {}
    for (const name of cases) {
      const at = `${key}/${name}`
      const shared = { image_embeddings: await tensor('image_embeddings'), mask_input: await tensor('mask_input') }
      const prompt = Object.fromEntries(
        await Promise.all(inputs.map(async i => [i, await tensor(`${at}/${i}`)] as const))
      )
      const found = await session.run({ ...shared, ...prompt })
      const wanted = io.names.filter(n => n.startsWith(`${at}/`) && !inputs.some(i => n.endsWith(`/${i}`)))
      expect(wanted.length).toBeGreaterThan(0)
      for (const path of wanted) {
        const { shape, data } = await io.read(path)
        const output = path.split('/')[2]
        expect([...found[output].dims], path).toEqual(shape)
        const numbers = Array.from(found[output].data as Iterable<number | bigint>, Number)
        const most = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1
        data.forEach((v, i) => {
          // Without a pixel above either threshold, the stability score is 0 / 0, as in Meta's code.
          const error = Number.isNaN(v) && Number.isNaN(numbers[i]) ? 0 : Math.abs(v - numbers[i]) / most
          errors[output] = Math.max(errors[output] ?? 0, error)
        })
      }
    }
    return errors
  }
  const few = async (errors: Promise<Record<string, number>>, limit = 2e-5): Promise<string[]> => {
    const found = await errors
    for (const [output, error] of Object.entries(found)) expect(error, output).toBeLessThan(limit)
    return Object.keys(found)
  }

  it.each([
    ['all', {}, ['masks', 'iou_predictions', 'low_res_masks']],
    ['single', { returnSingleMask: true }, ['masks', 'iou_predictions', 'low_res_masks']],
    ['single-stability', { returnSingleMask: true, useStabilityScore: true }, undefined],
    ['stability', { useStabilityScore: true }, undefined],
    ['extra', { returnExtraMetrics: true }, ['masks', 'iou_predictions', 'stability_scores', 'areas', 'low_res_masks']]
  ])('with the options of %s', async (key, options, outputs) => {
    const session = await open(options)
    expect(session.inputNames).toEqual([
      'image_embeddings',
      'point_coords',
      'point_labels',
      'mask_input',
      'has_mask_input',
      'orig_im_size'
    ])
    if (outputs) expect(session.outputNames).toEqual(outputs)
    // Areas count whole pixels: one pixel on an outline may fall to the other side.
    await few(errorsOf(key, session), key === 'extra' ? 2e-3 : undefined)
    await session.release()
  })

  it.each([13, 15, 17, 18])('as operator set %i', async opset => {
    await few(errorsOf('all', await open({}, { opset })))
  })

  it('with GELU approximated with tanh, in old and new operator sets, close to it', async () => {
    for (const opset of [17, 20]) {
      const errors = await errorsOf('all', await open({}, { opset, geluApproximate: true }))
      expect(errors.low_res_masks).toBeGreaterThan(2e-5)
      expect(errors.low_res_masks).toBeLessThan(5e-3)
    }
  })

  it('with weights quantized to uint8, close to it', async () => {
    const errors = await errorsOf('all', await open({}, { opset: 17, precision: 'uint8' }))
    expect(errors.low_res_masks).toBeGreaterThan(1e-4)
    expect(errors.low_res_masks).toBeLessThan(0.2)
  })

  it('refuses operator sets that it cannot write', async () => {
    await expect(open({}, { opset: 12 })).rejects.toThrow('opset must be a whole number from 13 to 20, found 12')
  })

  it("metaEncoder: gives Meta's embedding", async () => {
    const { build, sizes, options } = metaEncoder(config)
    const { model } = await toDynamicOnnx(build, sizes, { ...options, weights, inlineLimit: Infinity })
    const session = await ort.InferenceSession.create(model)
    const tiny = await openWeights(fixture('tiny-io.safetensors'))
    const [input, wanted] = await Promise.all([tiny.read('input'), tiny.read('image_embedding')])
    const { image_embeddings: found } = await session.run({ input: new ort.Tensor('float32', input.data, input.shape) })
    expect(found.dims).toEqual(wanted.shape)
    wanted.data.forEach((v, i) => expect(found.data[i]).toBeCloseTo(v, 4))
  })
})
