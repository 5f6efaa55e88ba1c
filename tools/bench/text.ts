/**
 * `npm run bench:text -- [--rounds N]`: time to the masks of a first phrase with the embedded models on the CPU
 * (loading SAM and CLIP, encoding a scene, the query), and of further phrases on the same image; milliseconds, and
 * their ratio.
 */
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { loadClip } from '@sam/clip'
import { loadSam } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { scenes } from '@sam/scenes'

const {
  values: { rounds }
} = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const { image: scene } = await scenes({ size: 256, seed: 9001 }).read(0)
const phrases = ['a red circle', 'a blue square', 'a striped thing', 'a green star', 'a yellow part']
const { weights, clip: own } = tinyModel()
const [first, next]: [number[], number[]] = [[], []]
const timed = async <T>(into: number[], work: () => Promise<T>): Promise<T> => {
  const start = performance.now()
  const result = await work()
  into.push(performance.now() - start)
  return result
}

for (let round = 0; round < Number(rounds); round++) {
  const { backend, clip, sam, image } = await timed(first, async () => {
    const backend = await cpu()
    const clip = await loadClip({ ...own, backend })
    const sam = await loadSam({ weights, backend, text: clip })
    const image = await sam.encode(scene)
    await image.query(phrases[0], { route: 'prompt' })
    return { backend, clip, sam, image }
  })
  for (const phrase of phrases.slice(1)) await timed(next, () => image.query(phrase, { route: 'prompt' }))
  image.dispose()
  await sam.dispose()
  await clip.dispose()
  backend.dispose()
}
const summarised = (times: readonly number[], goal: number): string => {
  const sorted = [...times].sort((a, b) => a - b)
  return (
    `${sorted[Math.floor(sorted.length / 2)].toFixed(0)} ms median, ${sorted[0].toFixed(0)} best, ` +
    `${sorted.at(-1)!.toFixed(0)} worst  (goal < ${goal} ms)`
  )
}
console.log(`first phrase, load included: ${summarised(first, 2000)}\nnext phrases: ${summarised(next, 200)}`)
console.log(
  `the first took ${(Math.min(...first) / Math.min(...next)).toFixed(1)} × as long as a next one, best of each`
)
