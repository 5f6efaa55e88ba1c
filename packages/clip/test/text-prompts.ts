import { loadSam, openWeights, configs, type Backend, type Prompt, type Sam, type WeightSource } from '@sam/core'
import type { PhraseEncoder } from '@sam/core/model'
import { f32, type HostTensor, memoryWeights } from '@sam/core/graph'
import { hashFill, randomTensor } from '@sam/core/testing'
import { fixture } from './tiny-clip.js'

/** The tiny SAM, optionally with a hash-filled text projection. */
export async function tinySam(textWidth?: number): Promise<WeightSource> {
  const file = await openWeights(fixture('tiny-checkpoint.safetensors'))
  const tensors: Record<string, HostTensor> = Object.fromEntries(
    await Promise.all(file.names.map(async name => [name, await file.read(name)] as const))
  )
  await file.close()
  if (textWidth !== undefined) {
    const shapes = {
      'prompt_encoder.text_projection.weight': [configs['tiny-test'].width, textWidth],
      'prompt_encoder.text_projection.bias': [configs['tiny-test'].width]
    }
    for (const [name, shape] of Object.entries(shapes)) tensors[name] = f32(shape, hashFill({ name, shape }, 2023))
  }
  return memoryWeights(tensors, 'tiny SAM')
}

/** An arbitrary photo of 90 × 60 pixels. */
export const photo = { width: 90, height: 60, data: Uint8Array.from({ length: 90 * 60 * 3 }, (_, i) => (i * 37) % 251) }

/** A text encoder without a model: the embedding depends on the phrase's length. */
export const fakeEncoder = (width: number): PhraseEncoder => ({
  width,
  async embed(phrases) {
    return phrases.map(phrase => {
      const { data } = randomTensor([width], { seed: phrase.length })
      return Float32Array.from(data, x => x / Math.hypot(...data))
    })
  }
})

/** The largest difference of logits and scores between prompts predicted in one list and one by one. */
export async function batchDifference(backend: Backend, text: PhraseEncoder): Promise<number> {
  await using sam: Sam = await loadSam({
    weights: await tinySam(text.width),
    model: configs['tiny-test'],
    backend,
    text
  })
  using image = await sam.encode(photo)
  const point = { x: 40, y: 30 }
  const {
    masks: [mask]
  } = await image.predict({ points: [point] })
  const prompts: Prompt[] = [
    { text: 'a wheel' },
    { text: 'a wheel', points: [point] },
    { points: [point] },
    { box: [10, 10, 60, 50], text: 'the whole car' },
    { text: 'a door', mask },
    { text: (await text.embed(['a door']))[0], mask },
    { text: 'x', points: [point, { x: 1, y: 1, label: 'background' }], box: [0, 0, 90, 60], mask }
  ]
  const together = await image.predict(prompts, { multimask: true })
  let worst = 0
  const compare = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
    for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]))
  }
  for (const [i, prompt] of prompts.entries()) {
    const alone = await image.predict(prompt, { multimask: true })
    for (const token of [1, 2, 3]) {
      const [a, b] = [together[i], alone].map(({ masks, tokenIndices }) => masks[tokenIndices.indexOf(token)])
      compare([a.predictedIou], [b.predictedIou])
      compare(a.lowResLogits!, b.lowResLogits!)
    }
  }
  compare(together[4].masks[0].lowResLogits!, together[5].masks[0].lowResLogits!)
  return worst
}
