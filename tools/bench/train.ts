/**
 * `npm run bench:train -- [--rounds N] [--torch PYTHON]`: one training step of the tiny recipe (forward, loss,
 * gradients, clipping, AdamW) against the same model and batch in PyTorch, interleaved, each in its own process; peak
 * memory; and a full iteration with data and simulated interaction. PYTHON must have torch, numpy and segment_anything.
 * Run it on an idle machine; the printed spread shows other load.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { nameOf, type Backend, type Feeds, type HostTensor } from '@sam/core/graph'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import { cpu } from '@sam/backend-cpu'
import { recipes } from '@sam/research-tiny'
import { scenes } from '@sam/scenes'
import { initialParams } from '@sam/train'
import { trainer } from '@sam/train/toolkit'
import { interleaved, type Timing } from './interleaved.js'

const {
  values: { rounds, torch }
} = parseArgs({ options: { rounds: { type: 'string', default: '10' }, torch: { type: 'string' } } })

/** The recipe of both sides: without accumulation and dropout. */
const { tiny } = recipes
const recipe = { ...tiny, batch: tiny.microBatch, dropPath: 0, dropout: 0 }
const images = recipe.microBatch
const prompts = images * recipe.objects * recipe.trainedRounds

const folder = await mkdtemp(join(tmpdir(), 'sam-bench-'))
try {
  const batch = join(folder, 'batch.safetensors')
  await writeFileAtomic(batch, writeSafetensors(await firstBatch(), { metadata: { recipe: JSON.stringify(recipe) } }))
  process.exitCode = await compare(batch)
} finally {
  await rm(folder, { recursive: true })
}

async function compare(batch: string): Promise<number> {
  const ours = worker(process.execPath, ['tools/bench/train_step.js', batch])
  const theirs = torch ? worker(torch, ['tools/bench/torch_train.py', batch]) : undefined
  const both = theirs ? [ours, theirs] : [ours]
  const names = await Promise.all(both.map(w => w.request('name')))
  const losses = await Promise.all(both.map(async w => Number(await w.request('step'))))
  console.log(`${recipe.name}, one step of ${images} images and ${prompts} prompts, ${rounds} interleaved rounds`)
  const timings = await interleaved(
    Number(rounds),
    both.map(w => () => w.request('step'))
  )
  for (const [i, w] of both.entries()) {
    const gigabytes = Number(await w.request('peak')) / 1e9
    console.log(
      `  ${names[i].padEnd(24)} ${spread(timings[i])}; ${(images / timings[i].median).toFixed(2)} images/s; ` +
        `peak memory ${gigabytes.toFixed(2)} GB`
    )
  }
  const [iteration] = await interleaved(Math.ceil(Number(rounds) / 2), [() => ours.request('iteration')])
  console.log(
    `  our full iteration, with scenes and simulated interaction: ${spread(iteration)}; ` +
      `${(images / iteration.median).toFixed(2)} images/s`
  )
  for (const w of both) w.end()
  if (!theirs) return 0

  const difference = Math.abs(losses[0] - losses[1]) / Math.abs(losses[1])
  console.log(
    `${difference < 1e-4 ? '✓' : '✗'} the same step: first loss ${losses[0].toFixed(6)} and ${losses[1].toFixed(6)}`
  )
  const [best, median] = [timings[1].best / timings[0].best, timings[1].median / timings[0].median]
  console.log(
    `${median >= 1 ? '✓' : '✗'} step: PyTorch's time over ours, medians: ${median.toFixed(2)}  (goal ≥ 1); ` +
      `best of each: ${best.toFixed(2)}`
  )
  return difference < 1e-4 && median >= 1 ? 0 : 1
}

/** All inputs of the recipe's first step: params, moments, images, and simulated prompts. */
async function firstBatch(): Promise<Record<string, HostTensor>> {
  const backend = await cpu({ memory: 'fast' })
  let first: Feeds = {}
  const recording: Backend = {
    ...backend,
    async compile(graph, weights, options) {
      const executable = await backend.compile(graph, weights, options)
      if (!graph.inputs.some(v => nameOf(v) === 'target')) return executable
      return { ...executable, run: (feeds, o) => executable.run((first = feeds), o) }
    }
  }
  const data = scenes({ size: recipe.config.imageSize, seed: 1 })
  const t = await trainer({ recipe, data, backend: recording, seed: 1, state: initialParams(recipe.config, 1) })
  await t.trainStep()
  t.dispose()
  backend.dispose()
  return Object.fromEntries(Object.entries(first).filter((entry): entry is [string, HostTensor] => 'data' in entry[1]))
}

/** A process that responds to each line with one line. */
function worker(command: string, args: readonly string[]): { request(line: string): Promise<string>; end(): void } {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async request(line) {
      child.stdin.write(line + '\n')
      const next: IteratorResult<string, unknown> = await lines.next()
      if (next.done) throw new Error(`${command} ${args[0]} ended before its response to '${line}'`)
      return next.value
    },
    end: () => {
      child.stdin.end()
    }
  }
}

function spread({ best, median, worst }: Timing): string {
  return `${median.toFixed(3)} s median, ${best.toFixed(3)} best, ${worst.toFixed(3)} worst`
}
