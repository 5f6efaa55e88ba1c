/**
 * The cost per image of a job as its images grow ten times, and its memory: with the tiny model (20 and 200 images),
 * and of the job alone, with an annotator that computes nothing (210 and 2100 images).
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpu } from '@sam/backend-cpu'
import { encodePng, loadSam } from '@sam/core'
import {
  finishShard,
  identityOf,
  openSource,
  openStorage,
  parseJob,
  Results,
  runJob,
  samAnnotator,
  type Annotate
} from '@sam/jobs'
import { tinyModel } from '@sam/model-tiny'

const job = parseJob('prompts: {}', 'bench')
const identity = identityOf(job, { version: '1', weights: [] })
const folder = await mkdtemp(join(tmpdir(), 'sam-bench-jobs-'))
const megabytes = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20)

/** Images of a disc, and a manifest with a click on each. */
async function makeImages(count: number): Promise<string> {
  const images = join(folder, `images-${count}`)
  await mkdir(images)
  const lines: string[] = []
  for (let i = 0; i < count; i++) {
    const data = Uint8Array.from({ length: 160 * 120 * 3 }, (_, k) => {
      const [x, y] = [Math.floor(k / 3) % 160, Math.floor(k / 480)]
      return (x - 60 - (i % 40)) ** 2 + (y - 60) ** 2 < 900 ? 200 + (i % 50) : 30 + (k % 3) * 20
    })
    await writeFile(join(images, `${i}.png`), await encodePng({ width: 160, height: 120, channels: 3, data }))
    lines.push(JSON.stringify({ image: `${i}.png`, prompts: [{ points: [{ x: 60 + (i % 40), y: 60 }] }] }))
  }
  await writeFile(join(images, 'list.jsonl'), lines.join('\n'))
  return join(images, 'list.jsonl')
}

/** Milliseconds per image, and the memory at a tenth, a half and the end. */
async function measure(list: string, annotate: Annotate): Promise<{ ms: number; memory: number[] }> {
  const source = await openSource(list)
  const out = join(folder, 'out')
  const results = await Results.open(await openStorage(out), { job, identity })
  const total = source.tasks.length
  const at = [total / 10, total / 2, total]
  const memory: number[] = []
  const begun = performance.now()
  await runJob(
    source,
    { images: source.images, results, annotate },
    { onProgress: ({ done }) => done === at[memory.length] && memory.push(megabytes()) }
  )
  const { done } = await finishShard(source, results)
  if (done !== total) throw new Error(`${total} images must be done, found ${done}`)
  const ms = (performance.now() - begun) / total
  await rm(out, { recursive: true })
  return { ms, memory }
}

/** Three interleaved rounds; the medians. */
async function compare(name: string, counts: readonly number[], annotate: Annotate): Promise<void> {
  const lists = await Promise.all(counts.map(makeImages))
  await measure(lists[0], annotate)
  const rounds: { ms: number; memory: number[] }[][] = []
  for (let round = 0; round < 3; round++) {
    const row = []
    for (const list of lists) row.push(await measure(list, annotate))
    rounds.push(row)
  }
  for (const [i, count] of counts.entries()) {
    const sorted = rounds.map(row => row[i]).sort((a, b) => a.ms - b.ms)
    console.log(
      `${name}  ${count} images  ${sorted[1].ms.toFixed(1)} ms per image  memory at 10%, 50%, 100%: ${sorted[1].memory.join(', ')} MB`
    )
  }
}

try {
  const backend = await cpu()
  const sam = await loadSam({ weights: tinyModel().weights, backend })
  await compare('tiny model', [20, 200], samAnnotator(sam, job))
  await sam.dispose()
  backend.dispose()
  await compare('job alone', [210, 2100], async ({ key, image }) => {
    await sleep(0)
    return { key, image, sha256: '', width: 1, height: 1, objects: [] }
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}
