import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configs, openWeights } from '@sam/core'
import { recognise } from '@sam/core/model'
import { fixture, sam, tinyConfig, workFolder } from './sam.js'

describe('sam inspect', async () => {
  const folder = await workFolder()

  it.each(['vit_b', 'vit_l', 'vit_h'])('prints the costs of %s by part', async name => {
    const { code, out, err } = await sam(['inspect', name])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatchSnapshot()
  })

  it('lists the tensors, metadata and recognised model of a checkpoint', async () => {
    const { out } = await sam(['inspect', fixture('tiny-checkpoint.safetensors'), '--decoder-heads', '4'])
    expect(out).toMatch(/^.*tiny-checkpoint\.safetensors\n\d+ tensors \(\d+ F32\), [\d.]+ kB; model tiny-test\n/)
    expect(out).toMatch(/image_encoder\.pos_embed +F32 +\[1,8,8,32\]\n/)
    await sam([
      'convert',
      fixture('tiny-checkpoint.pth'),
      join(folder, 'half.safetensors'),
      '--dtype',
      'f16',
      '--model',
      'tiny-test'
    ])
    const told = await sam(['inspect', join(folder, 'half.safetensors')])
    expect(told.out).toMatch(/F16\), [\d.]+ kB; model tiny-test\n {2}sam_config: \{/)
  })

  it('names the missing option where the file does not determine the model', async () => {
    const { code, out } = await sam(['inspect', fixture('tiny-checkpoint.safetensors')])
    expect(code).toBe(0)
    expect(out).toMatch(/kB; a SAM\n[^]*the number of attention heads of the mask decoder must be known/)
    expect(out).toMatch(/image_encoder\.pos_embed +F32/)
  })

  it('reports a file that is not a SAM', async () => {
    const { code, out } = await sam(['inspect', fixture('tiny-io.safetensors')])
    expect(code).toBe(0)
    expect(out).toContain('not recognised as a SAM')
  })

  it('reads a configuration from a file, and prints its graphs', async () => {
    const file = join(folder, 'config.json')
    await writeFile(file, tinyConfig)
    const { out } = await sam(['inspect', file, '--graph'])
    expect(out).toMatch(/^encodeImage\(image: f32\[1,3,128,128\]\)\n/)
    expect(out).toMatch(/\n\ndecodeMasks\(image_embedding: f32\[1,32,8,8\], point_coords: f32\[1,2,2\]/)
    expect((JSON.parse((await sam(['inspect', file, '--json'])).out) as { model: { name: string } }).model.name).toBe(
      'from-a-file'
    )
  })

  it('prints the same values as JSON', async () => {
    const { cost } = JSON.parse((await sam(['inspect', 'vit_b', '--json'])).out) as {
      cost: { imageEncoder: { flops: number }; decoderShare: number }
    }
    expect(cost.imageEncoder.flops).toBe(941727350784)
    expect(cost.decoderShare).toBeLessThan(0.01)
  })

  it.each([
    ['vit_b', 400],
    ['vit_l', Infinity],
    ['vit_h', Infinity]
  ])('tells what %s asks of WebGPU: no buffer past what every device allows', async (name, peakMebibytes) => {
    const { out } = await sam(['inspect', name, '--backend', 'webgpu'])
    expect(out).toMatch(/\nimage encoder +\d+ .*all run it\.\n/s)
    const { webgpu } = JSON.parse((await sam(['inspect', name, '--backend', 'webgpu', '--json'])).out) as {
      webgpu: Record<string, { largest: { bytes: number }; peakBytes: number; dispatches: number }>
    }
    for (const { largest, peakBytes, dispatches } of [webgpu.imageEncoder, webgpu.maskDecoder]) {
      expect(largest.bytes).toBeLessThanOrEqual(128 * 2 ** 20)
      expect(peakBytes).toBeLessThanOrEqual(peakMebibytes * 2 ** 20)
      expect(dispatches).toBeGreaterThan(20)
    }
  })

  it('refuses what is neither a model nor a file', async () => {
    expect(await sam(['inspect', 'vit_x'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/neither a file nor a model/) as string
    })
    expect(await sam(['inspect', fixture('tiny-io.json')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/model configuration/) as string
    })
  })
})

describe('sam convert', async () => {
  const folder = await workFolder()

  it('keeps all values in full precision, in either container', async () => {
    const pth = join(folder, 'copy.pth')
    expect(await sam(['convert', fixture('tiny-checkpoint.safetensors'), pth, '-q'])).toEqual({
      code: 0,
      out: `${pth}\n`,
      err: ''
    })
    const [a, b] = await Promise.all([fixture('tiny-checkpoint.pth'), pth].map(file => openWeights(file)))
    expect([...b.names].sort()).toEqual([...a.names].sort())
    for (const name of a.names)
      expect(Buffer.from(await b.bytes(name)).equals(Buffer.from(await a.bytes(name))), name).toBe(true)
    await Promise.all([a.close(), b.close()])
  })

  it('takes a bundled model by its name', async () => {
    const out = join(folder, 'mobile_sam.safetensors')
    const { code, out: said } = await sam(['convert', 'mobile_sam', out, '--dtype', 'f16', '--json', '-q'])
    expect({ code, ...(JSON.parse(said) as object) }).toMatchObject({ code: 0, file: out, model: 'mobile_sam' })
    const weights = await openWeights(out)
    expect(recognise(weights)).toEqual(configs.mobile_sam)
    await weights.close()
  })

  it('refuses other extensions, and to overwrite its input', async () => {
    for (const to of ['x.bin', fixture('tiny-checkpoint.pth')])
      expect((await sam(['convert', fixture('tiny-checkpoint.pth'), to])).code).toBe(2)
  })
})
