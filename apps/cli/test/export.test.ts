import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cpu } from '@sam/backend-cpu'
import { clipConfigJson } from '@sam/clip'
import { loadSam, openWeights, type Mask, type Prompt, type WeightSource } from '@sam/core'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinyClip, tinyIo, tinyTokenizer, tinyWeights } from '../../../packages/clip/test/tiny-clip.js'
import { fixture, resultsIn, sam, tinyPhoto, workFolder } from './sam.js'

describe('sam export: a CLIP', async () => {
  const folder = await workFolder()
  const clip = join(folder, 'clip')
  beforeAll(async () => {
    await mkdir(clip)
    await writeFile(join(clip, 'config.json'), JSON.stringify(clipConfigJson(tinyClip)))
    await writeFile(join(clip, 'tokenizer.json'), JSON.stringify(tinyTokenizer()))
    await writeFileAtomic(join(clip, 'model.safetensors'), writeSafetensors(tinyWeights()))
  })

  it("writes models that transformers.js loads, with PyTorch's embeddings", async () => {
    const out = join(folder, 'exported')
    expect(await sam(['export', clip, out, '--quiet'])).toEqual({ code: 0, out: `${out}\n`, err: '' })
    expect(resultsIn(out)).toEqual([
      'config.json',
      'onnx',
      'onnx/text_model.onnx',
      'onnx/vision_model.onnx',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json'
    ])
    process.env.ORT_DISABLE_TELEMETRY ??= '1'
    const { CLIPTextModelWithProjection, CLIPVisionModelWithProjection, AutoTokenizer, Tensor } =
      await import('@xenova/transformers')
    const io = await tinyIo()
    const near = async (found: unknown, name: string): Promise<void> => {
      const [{ data }, wanted] = [found as { data: Float32Array }, (await io.read(name)).data]
      expect(data.length).toBe(wanted.length)
      for (const [i, value] of wanted.entries()) expect(Math.abs(data[i] - value), name).toBeLessThan(1e-4)
    }
    const options = { dtype: 'fp32', local_files_only: true } as const
    const text = await CLIPTextModelWithProjection.from_pretrained(out, options)
    const ids = BigInt64Array.from((await io.read('input_ids')).data, BigInt)
    await near(
      ((await text({ input_ids: new Tensor('int64', ids, [4, 77]) })) as Record<string, unknown>).text_embeds,
      'text_embeds'
    )
    const vision = await CLIPVisionModelWithProjection.from_pretrained(out, options)
    const pixels = (await io.read('pixel_values')).data
    await near(
      ((await vision({ pixel_values: new Tensor('float32', pixels, [1, 3, 64, 64]) })) as Record<string, unknown>)
        .image_embeds,
      'image_embeds'
    )
    const tokenizer = await AutoTokenizer.from_pretrained(out, options)
    expect(tokenizer.encode('a')).toEqual([598, expect.any(Number), 599])
    await Promise.all([text.dispose(), vision.dispose()])
  })

  it('prints files and sizes as JSON', async () => {
    const { code, out } = await sam(['export', clip, join(folder, 'again'), '--dtype', 'f32,f16', '--json', '-q'])
    const told = JSON.parse(out) as { bytes: number; files: string[] }
    expect(code).toBe(0)
    expect(told.files).toHaveLength(8)
    expect(told.files).toContain(join(folder, 'again', 'onnx', 'text_model_fp16.onnx'))
    expect(told.bytes).toBe(told.files.reduce((n, file) => n + readFileSync(file).length, 0))
  })

  it('refuses a folder that is not a CLIP, and to overwrite its input', async () => {
    expect(await sam(['export', join(folder, 'nowhere'), join(folder, 'x')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('nowhere') as string
    })
    expect(await sam(['export', clip, clip])).toMatchObject({
      code: 2,
      err: expect.stringContaining('would be overwritten') as string
    })
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'config.json'), '{"model_type":"sam"}')
    await writeFile(join(other, 'tokenizer.json'), '{}')
    expect(await sam(['export', other, join(folder, 'y')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('must be the configuration of a CLIP') as string
    })
  })
})

describe('sam export: a SAM', async () => {
  const folder = await workFolder()
  const checkpoint = fixture('tiny-checkpoint.safetensors')
  const exported = async (name: string, ...options: readonly string[]): Promise<string> => {
    const out = join(folder, name)
    const result = await sam(['export', checkpoint, out, '--decoder-heads', '4', '--quiet', ...options])
    expect(result).toEqual({ code: 0, out: `${out}\n`, err: '' })
    return out
  }
  const sameTensors = async (found: WeightSource, wanted: WeightSource): Promise<void> => {
    expect([...found.names].sort()).toEqual([...wanted.names].sort())
    for (const name of wanted.names) expect(await found.bytes(name), name).toEqual(await wanted.bytes(name))
  }

  it.each(['safetensors', 'pth', 'hf'] as const)('writes weights that load back: %s', async format => {
    const source = await openWeights(checkpoint)
    await sameTensors(await openWeights(await exported(`weights.${format}`, '--format', format)), source)
  })

  it('writes weights as half floats', async () => {
    const half = await openWeights(await exported('half.pth', '--format', 'pth', '--dtype', 'f16'))
    expect(new Set(half.names.map(name => half.info(name).dtype))).toEqual(new Set(['F16']))
  })

  it("writes the names and the configuration of Python's SamModel", async () => {
    const out = await exported('hf', '--format', 'hf')
    expect(resultsIn(out)).toEqual(['config.json', 'model.safetensors', 'preprocessor_config.json'])
    const head = (await readFile(join(out, 'model.safetensors'))).subarray(8, 60_000).toString()
    expect(head).toContain('"vision_encoder.layers.0.layer_norm1.weight"')
    expect(head).toContain('"format":"pt"')
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({
      model_type: 'sam',
      vision_config: { hidden_size: 32, num_hidden_layers: 4, window_size: 3, global_attn_indexes: [1, 3] },
      prompt_encoder_config: { hidden_size: 32, mask_input_channels: 16 },
      mask_decoder_config: { num_attention_heads: 4, mlp_dim: 64, iou_head_hidden_dim: 32 }
    })
  })

  it("writes Meta's encoder and decoder, which load back as one checkpoint that needs no options", async () => {
    const decoder = ['--format', 'meta-decoder', '--quantize-out', join(folder, 'meta', 'decoder_quantized.onnx')]
    await mkdir(join(folder, 'meta'))
    await exported('meta/decoder.onnx', ...decoder, '--return-single-mask', '--opset', '16', '--gelu-approximate')
    await exported('meta/encoder.onnx', '--format', 'meta-encoder')
    const [found, wanted] = await Promise.all([join(folder, 'meta'), checkpoint].map(from => openWeights(from)))
    await sameTensors(found, wanted)
    const model = await loadSam({ weights: join(folder, 'meta'), backend: await cpu() })
    expect(model.config.decoder.heads).toBe(4)
    await model.dispose()
    expect(await sam(['inspect', join(folder, 'meta', 'decoder_quantized.onnx')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('is quantized') as string
    })
  })

  it('writes what SamModel of transformers.js loads, with our masks: clicks, and a box as two points', async () => {
    const out = await exported('transformers', '--dtype', 'f32,f16,q8')
    expect(resultsIn(out)).toEqual([
      'config.json',
      'onnx',
      ...['', '_fp16', '_quantized'].map(end => `onnx/prompt_encoder_mask_decoder${end}.onnx`),
      ...['', '_fp16', '_quantized'].map(end => `onnx/vision_encoder${end}.onnx`),
      'preprocessor_config.json'
    ])
    const { AutoProcessor, RawImage, SamModel } = await import('@xenova/transformers')
    const photo = await tinyPhoto()
    // Of the size of the model, as transformers.js resizes without antialiasing.
    const { default: sharp } = await import('sharp')
    const png = await sharp(photo).resize(128, 85, { fit: 'fill' }).png().toBuffer()
    const ours = await loadSam({ weights: checkpoint, decoderHeads: 4, backend: await cpu() })
    const image = await ours.encode(new Blob([new Uint8Array(png)]))
    const raw = await RawImage.fromBlob(new Blob([new Uint8Array(png)]))
    const prompts: readonly (readonly [Prompt, number[][], number[]])[] = [
      [{ points: [{ x: 60, y: 40 }] }, [[60, 40]], [1]],
      [
        {
          points: [
            { x: 60, y: 40 },
            { x: 100, y: 20, label: 'background' }
          ]
        },
        [
          [60, 40],
          [100, 20]
        ],
        [1, 0]
      ],
      [
        { box: [20, 10, 90, 70] },
        [
          [20, 10],
          [90, 70]
        ],
        [2, 3]
      ]
    ]
    type Tensor = { readonly dims: readonly number[]; readonly data: Float32Array }
    type Call = (...inputs: readonly unknown[]) => Promise<Record<string, Tensor>>
    for (const [dtype, limit] of [
      ['fp32', 1e-4],
      ['fp16', 2e-2],
      ['q8', 2e-2]
    ] as const) {
      const options = { dtype, local_files_only: true } as const
      const model = await SamModel.from_pretrained(out, options)
      const processor = (await AutoProcessor.from_pretrained(out, options)) as unknown as Call
      for (const [prompt, points, labels] of prompts) {
        const inputs = await processor(raw, { input_points: [[points]], input_labels: [[labels]] })
        const { pred_masks: logits, iou_scores: scores } = await (model as unknown as Call)(inputs)
        expect(logits.dims).toEqual([1, 1, 3, 32, 32])
        // Ours are ranked by their scores, the model's are not.
        const order = [0, 1, 2].sort((a, b) => scores.data[b] - scores.data[a])
        const { masks } = await image.predict(prompt, { multimask: true })
        masks.forEach((mask: Mask, rank: number) => {
          const found = logits.data.subarray(order[rank] * 1024, (order[rank] + 1) * 1024)
          const wanted = mask.lowResLogits!
          const most = wanted.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
          const error = wanted.reduce((m, v, i) => Math.max(m, Math.abs(v - found[i])), 0)
          expect(error / most, `${dtype} ${labels}`).toBeLessThan(limit)
        })
      }
      // A prompt of fewer points than the others is padded with −10, which changes nothing.
      const padded = await processor(raw, {
        input_points: [
          [
            [60, 40],
            [0, 0]
          ],
          [
            [60, 40],
            [100, 20]
          ]
        ],
        input_labels: [
          [1, -10],
          [1, 0]
        ]
      })
      const [together, alone] = await Promise.all([
        (model as unknown as Call)(padded),
        processor(raw, { input_points: [[[60, 40]]], input_labels: [[1]] }).then(model as unknown as Call)
      ])
      expect(together.iou_scores.dims).toEqual([1, 2, 3])
      alone.iou_scores.data.forEach((v, i) => expect(together.iou_scores.data[i]).toBeCloseTo(v, 2))
      await model.dispose()
    }
    await ours.dispose()
  })

  it('refuses options of other formats, and models that a format cannot hold', async () => {
    for (const [options, message] of [
      [['--format', 'pth', '--opset', '17'], '--opset has no effect with --format pth'],
      [['--format', 'transformers', '--dtype', 'bf16'], 'must be f32, f16, q8 for this format'],
      [['--format', 'pth', '--dtype', 'f32,f16'], 'must be one type for this format'],
      [['--format', 'meta-decoder', '--opset', '12'], 'from 13 to 20']
    ] as const)
      expect(await sam(['export', checkpoint, join(folder, 'x'), '--decoder-heads', '4', ...options])).toMatchObject({
        code: 2,
        err: expect.stringContaining(message) as string
      })
    expect(await sam(['export', 'mobile_sam', join(folder, 'x'), '--format', 'hf'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('needs a ViT') as string
    })
    expect(await sam(['export', checkpoint, join(folder, 'x')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--decoder-heads') as string
    })
    expect(resultsIn(folder)).not.toContain('x')
  })
})
