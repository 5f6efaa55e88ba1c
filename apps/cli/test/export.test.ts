import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clipConfigJson } from '@sam/clip'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinyClip, tinyIo, tinyTokenizer, tinyWeights } from '../../../packages/clip/test/tiny-clip.js'
import { resultsIn, sam, workFolder } from './sam.js'

describe('sam export', async () => {
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
    const { code, out } = await sam(['export', clip, join(folder, 'again'), '--json', '-q'])
    const told = JSON.parse(out) as { bytes: number; files: string[] }
    expect(code).toBe(0)
    expect(told.files).toHaveLength(6)
    expect(told.bytes).toBe(
      ['text', 'vision'].reduce(
        (n, name) => n + readFileSync(join(folder, 'again', 'onnx', `${name}_model.onnx`)).length,
        0
      )
    )
  })

  it('refuses a folder that is not a CLIP, and to overwrite its input', async () => {
    expect(await sam(['export', join(folder, 'nowhere'), join(folder, 'x')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('config.json') as string
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
