/**
 * `npm run bench:automatic -- --checkpoint mobile_sam.pt --photo FILE [--rounds 3] [--torch PYTHON]`: automatic masks
 * from an encoded image, MobileSAM's decoder on the CPU, in turn with Meta's SamAutomaticMaskGenerator on PyTorch:
 * seconds, masks, and the peak of memory above what the process takes before. Linux only.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { loadSam } from '@sam/core'
import { cpu } from '@sam/backend-cpu'
import { camelCase } from '../camel-case.js'

const { values } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    photo: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    torch: { type: 'string' }
  }
})
const { checkpoint, photo, torch } = values
if (!checkpoint || !photo) throw new Error('needs --checkpoint mobile_sam.pt and --photo FILE')

/** Settings under Meta's names. */
const settings: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'default, 32 × 32 points': {},
  '16 points per batch': { points_per_batch: 16 },
  'many survivors: 16 × 16 points, no thresholds, box_nms_thresh 0.95': {
    points_per_side: 16,
    pred_iou_thresh: 0,
    stability_score_thresh: 0,
    box_nms_thresh: 0.95
  },
  'min_mask_region_area 100, 16 × 16 points': { points_per_side: 16, min_mask_region_area: 100 }
}

interface Answer {
  readonly seconds: number
  readonly masks: number
  readonly megabytes: number
}

const median = (answers: readonly Answer[]): Answer =>
  [...answers].sort((a, b) => a.seconds - b.seconds)[Math.floor(answers.length / 2)]

const folder = mkdtempSync(join(tmpdir(), 'sam-bench-'))
try {
  const backend = await cpu()
  const sam = await loadSam({ weights: checkpoint, backend })
  const image = await sam.encode(photo)
  const [saved, raw] = ['image.embedding', 'embedding.f32'].map(name => join(folder, name))
  writeFileSync(saved, await image.save())
  writeFileSync(raw, new Uint8Array((await image.embedding()).data.buffer))
  const { width, height } = image
  image.dispose()
  await sam.dispose()
  backend.dispose()

  const threads = String(availableParallelism())
  const ours = answering(process.execPath, [
    'tools/run.js',
    'tools/bench/automatic-child.ts',
    threads,
    checkpoint,
    saved
  ])
  const theirs =
    torch &&
    answering(torch, ['tools/bench/torch_automatic.py', threads, checkpoint, raw, String(width), String(height)])
  console.log(`${photo}, ${width} × ${height}, ${threads} threads each; medians of ${values.rounds} rounds\n`)
  console.log('| setting | ours, s | PyTorch, s | PyTorch ÷ ours | masks | peak, MB: ours, PyTorch |')
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const [name, args] of Object.entries(settings)) {
    const [mine, other]: [Answer[], Answer[]] = [[], []]
    for (let round = 0; round < Number(values.rounds); round++) {
      mine.push(await ours.ask(camelCase(args)))
      if (theirs) other.push(await theirs.ask(args))
    }
    const [a, b] = [median(mine), theirs && median(other)]
    const ratio = b ? (b.seconds / a.seconds).toFixed(2) : ''
    const masks = b && b.masks !== a.masks ? `${a.masks}, ${b.masks}` : String(a.masks)
    const peaks = [a, b].map(x => x && x.megabytes.toFixed(0)).join(', ')
    console.log(
      `| ${name} | ${a.seconds.toFixed(1)} | ${b ? b.seconds.toFixed(1) : ''} | ${ratio} | ${masks} | ${peaks} |`
    )
  }
  await Promise.all([ours.end(), theirs && theirs.end()])
} finally {
  rmSync(folder, { recursive: true })
}

/** A process that answers each line of JSON with one. */
function answering(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(value: object): Promise<Answer> {
      child.stdin.write(`${JSON.stringify(value)}\n`)
      const answer = await answers.next()
      if (answer.done) throw new Error(`${args[0]} must answer every line with a line; its stderr is above`)
      return JSON.parse(answer.value) as Answer
    },
    async end(): Promise<void> {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    }
  }
}
