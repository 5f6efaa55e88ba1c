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
    const { code, out: text, err } = await sam(['demo', '--out', out, '--json'])
    expect(code).toBe(0)
    const shown = ['click-1', 'click-2', 'click-3', 'corrected-1', 'box-1']
    expect(resultsIn(out)).toEqual(
      [...shown.flatMap(name => [`${name}.png`, `${name}-mask.png`]), 'automatic.png'].sort()
    )
    const { masks } = JSON.parse(text) as { masks: { picture: string; area: number; stability_score: number }[] }
    expect(masks.map(m => m.picture)).toEqual(shown.map(name => join(out, `${name}.png`)))
    for (const { picture, stability_score: stability } of masks) {
      const { width, height } = await decodeImage(picture)
      expect([width, height]).toEqual([600, 400])
      expect(stability, `${picture} has a clean edge`).toBeGreaterThan(0.9)
    }
    const [whole, part, subpart] = masks.map(m => m.area)
    expect(whole).toBeGreaterThan(5 * part)
    expect(part).toBeGreaterThan(5 * subpart)
    expect(err).toMatch(/no --checkpoint: MobileSAM/)
  }, 180_000)

  it('takes any photo', async () => {
    const photo = join(folder, 'tiny.png')
    await writeFile(photo, await tinyPhoto())
    const out = join(folder, 'other')
    const { out: text } = await sam(['demo', photo, '--model', 'tiny', '--out', out])
    for (const name of ['click-1', 'click-2', 'click-3', 'corrected-1', 'box-1', 'automatic']) {
      expect(text).toContain(join(out, `${name}.png`))
      expect(existsSync(join(out, `${name}.png`))).toBe(true)
    }
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
