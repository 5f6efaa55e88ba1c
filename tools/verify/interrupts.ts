/**
 * `npm run verify:interrupts -- [--tries 100] [--photo FILE]`: interrupts `sam predict` with MobileSAM at random
 * moments of each phase. Every run must exit with 130 (or 0, if it had ended), leave no temporary file, and leave all
 * of its results or none. Takes minutes; not part of `npm test`.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '100' },
    photo: { type: 'string', default: fileURLToPath(new URL('../../apps/cli/assets/cat.jpg', import.meta.url)) }
  }
})
const program = fileURLToPath(new URL('../../apps/cli/bin/sam.js', import.meta.url))
/** Each ends with its line on stderr. */
const phases = ['loading', 'encoding', 'decoding', 'writing'] as const
type Phase = (typeof phases)[number]

interface Outcome {
  readonly code: number | string
  readonly stderr: string
  readonly left: readonly string[]
  readonly temporary: readonly string[]
  /** Milliseconds of each phase that ended; loading includes the start of the process. */
  readonly lengths: Partial<Record<Phase, number>>
}

/** Runs a predict, and interrupts it `after` milliseconds into a phase. */
async function predict(interrupt?: { phase: Phase; after: number }): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sam-interrupts-'))
  const temporary = join(folder, 'tmp')
  try {
    await mkdir(temporary)
    const child = spawn(
      process.execPath,
      [program, 'predict', values.photo, '--point', '300,250', '--out', join(folder, 'out')],
      { env: { ...process.env, TMPDIR: temporary }, stdio: ['ignore', 'ignore', 'pipe'] }
    )
    let [stderr, began, current] = ['', performance.now(), 0]
    const lengths: Outcome['lengths'] = {}
    const interruptIn = (phase: Phase | undefined): void => {
      if (interrupt && phase === interrupt.phase) setTimeout(() => child.kill('SIGINT'), interrupt.after)
    }
    interruptIn(phases[0])
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString()
      while (current < phases.length && new RegExp(`^${phases[current]} `, 'm').test(stderr)) {
        const now = performance.now()
        lengths[phases[current]] = now - began
        began = now
        interruptIn(phases[++current])
      }
    })
    const code = await new Promise<number | string>(resolve => child.on('close', (n, signal) => resolve(n ?? signal!)))
    const left = await readdir(join(folder, 'out')).catch(() => [])
    return { code, stderr, left, temporary: await readdir(temporary), lengths }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const whole = await predict()
if (whole.code !== 0) throw new Error(`the run that nothing interrupts failed: ${whole.stderr}`)
console.log(
  `milliseconds: ${phases.map(p => `${p} ${Math.round(whole.lengths[p]!)}`).join(', ')}; results: ${whole.left.join(' ')}`
)

const counts: Record<string, number> = {}
let failures = 0
for (let i = 0; i < Number(values.tries); i++) {
  const phase = phases[i % phases.length]
  const { code, left, temporary, stderr } = await predict({ phase, after: Math.random() * whole.lengths[phase]! })
  const complete = left.length === 0 || left.join() === whole.left.join()
  const done = code === 0 && left.length > 0
  const good = (code === 130 || done) && complete && temporary.length === 0 && !/terminate|Napi/.test(stderr)
  if (!good) {
    failures++
    console.log(`✗ ${phase}: code ${code}, left ${[...left, ...temporary].join(' ')}\n${stderr}`)
  }
  const what = `${phase}: ${done ? 'had ended, 0' : code}, ${left.length ? 'all' : 'no'} results`
  counts[what] = (counts[what] ?? 0) + 1
}
console.log(
  Object.entries(counts)
    .sort()
    .map(([what, n]) => `${String(n).padStart(4)}  ${what}`)
    .join('\n')
)
console.log(failures ? `${failures} failures` : 'no failures')
process.exitCode = failures ? 1 : 0
