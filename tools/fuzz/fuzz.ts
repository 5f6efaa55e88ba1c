/**
 * `npm run fuzz -- [--seconds 60] [--seed N] [--target NAME]`: damages small files of every untrusted format that this
 * SDK reads, and checks that each reader returns a value or throws a `SamError`, within seconds and bounded memory.
 * Inputs that violate this are saved in .cache/fuzz. The same seed makes the same inputs. Progress goes to stderr, a
 * summary line to stdout; the exit code is 1 if there are findings.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { allTargets } from './targets.js'
import { inputOf, type Finding, type FuzzData } from './worker.js'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, target: { type: 'string' } }
})
const seconds = Number(values.seconds)
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
const targets = (await allTargets()).filter(({ name }) => values.target === undefined || name === values.target)
if (!(seconds > 0) || !Number.isInteger(seed) || targets.length === 0) {
  const names = (await allTargets()).map(({ name }) => `'${name}'`).join(', ')
  process.stderr.write(`fuzz: --seconds must be above 0, --seed an integer, --target one of ${names}\n`)
  process.exit(2)
}

/**
 * A case that computes longer has hung; others take milliseconds. Processor time, so that a busy machine is no finding.
 */
const hangMs = 10_000
/** A case that waits longer, without computing, has hung as well. */
const waitMs = 10 * hangMs
const maxFindings = 20
const folder = '.cache/fuzz'
const findings: Finding[] = []
const shared = new SharedArrayBuffer(5 * Float64Array.BYTES_PER_ELEMENT)
const state = new Float64Array(shared)

function report(finding: Finding): void {
  findings.push(finding)
  const target = targets.find(({ name }) => name === finding.target)!
  const path = `${folder}/${finding.target.replace(/\W/g, '-')}-${seed}-${finding.n}.bin`
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, inputOf(target, finding.n, seed))
  process.stderr.write(`\nfinding in ${finding.target}, case ${finding.n}: ${finding.what}\n  input: ${path}\n`)
}

/**
 * Runs cases from `from` on until `deadline`, or until one hangs or ends the worker; returns the case to continue with.
 */
async function round(from: number, deadline: number): Promise<number> {
  const data: FuzzData = { seed, only: values.target, from, shared }
  state[2] = 0
  const worker = new Worker('./tools/run.js', {
    argv: ['tools/fuzz/worker.ts'],
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: 512 }
  })
  let died: string | undefined
  worker.on('message', (finding: Finding) => report(finding))
  worker.on('error', error => {
    died = error.message
  })
  worker.on('exit', () => {
    died ??= 'ended the thread'
  })
  let seen = { started: 0, cpu: process.cpuUsage() }
  while (Date.now() < deadline && findings.length < maxFindings) {
    await new Promise(resume => setTimeout(resume, 200))
    process.stderr.write(
      `\r${state[3]} cases, ${findings.length} findings, ` +
        `${Math.max(0, Math.ceil((deadline - Date.now()) / 1000))} s left `
    )
    const [target, n, started] = state
    if (started !== seen.started) seen = { started, cpu: process.cpuUsage() }
    const { user, system } = process.cpuUsage(seen.cpu)
    const stuck = started > 0 && ((user + system) / 1000 > hangMs || Date.now() - started > waitMs)
    if (died === undefined && !stuck) continue
    report({ target: targets[target].name, n, what: died ?? `ran longer than ${hangMs / 1000} s` })
    await worker.terminate()
    return n + 1
  }
  await worker.terminate()
  return Infinity
}

const deadline = Date.now() + seconds * 1000
for (let from = 0; from < Infinity; ) from = await round(from, deadline)
process.stderr.write('\n')
const outcome = findings.length ? `${findings.length} findings in ${folder}` : 'no findings'
console.log(
  `fuzz: ${state[3]} damaged inputs of ${targets.length} formats, seed ${seed}: ${state[4]} still readable, ` +
    `the others refused, ${outcome}`
)
process.exit(findings.length || state[3] === 0 ? 1 : 0)
