import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '@sam/core'
import { resultsIn, sam, tinyPhoto, workFolder } from './sam.js'

describe('sam demo', async () => {
  const folder = await workFolder()

  it('writes pictures of each prompt and of the automatic masks of the bundled photo, and describes the model', async () => {
    const out = join(folder, 'demo')
    const { code, out: text, err } = await sam(['demo', '--out', out])
    expect(code).toBe(0)
    const shown = ['click-1', 'click-2', 'click-3', 'corrected-1', 'box-1']
    expect(resultsIn(out)).toEqual(
      [...shown.flatMap(name => [`${name}.png`, `${name}-mask.png`]), 'automatic.png'].sort()
    )
    for (const name of shown) {
      expect(text).toContain(join(out, `${name}.png`))
      const picture = await decodeImage(join(out, `${name}.png`))
      expect([picture.width, picture.height]).toEqual([600, 400])
    }
    expect(err).toMatch(/no --checkpoint: MobileSAM/)
  }, 180_000)

  it('takes any photo', async () => {
    const photo = join(folder, 'tiny.png')
    await writeFile(photo, await tinyPhoto())
    const { out } = await sam(['demo', photo, '--model', 'tiny', '--out', join(folder, 'other'), '--json'])
    const { masks } = JSON.parse(out) as { masks: { prompt: string; picture: string }[] }
    expect(masks.map(m => m.prompt)).toEqual(['click', 'click', 'click', 'corrected', 'box'])
    expect(masks.every(m => existsSync(m.picture))).toBe(true)
  })
})

describe('sam embed', async () => {
  const folder = await workFolder()

  it('continues after a photo that cannot be read, reports it and exits with 1', async () => {
    const [good, bad] = [join(folder, 'good.png'), join(folder, 'bad.png')]
    await writeFile(good, await tinyPhoto())
    await writeFile(bad, 'no photo')
    const { code, out, err } = await sam(['embed', bad, good, '--model', 'tiny', '--out', join(folder, 'embeddings')])
    expect(code).toBe(1)
    expect(out).toBe(`${join(folder, 'embeddings', 'good.embedding.safetensors')}\n`)
    expect(err).toContain(`sam: ${bad}: `)
    const asJson = await sam(['embed', bad, good, '--model', 'tiny', '--out', join(folder, 'embeddings'), '--json'])
    expect(JSON.parse(asJson.out)).toMatchObject({
      images: [
        { image: bad, error: { code: 'E_BAD_IMAGE' } },
        { image: good, file: expect.any(String) as string }
      ]
    })
  })

  it('refuses two photos with the same output file, and no photo', async () => {
    expect(await sam(['embed', 'a/x.jpg', 'b/x.jpg'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/two photos would both/) as string
    })
    expect((await sam(['embed'])).code).toBe(2)
  })
})
