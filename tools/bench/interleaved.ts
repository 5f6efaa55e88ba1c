import { setTimeout } from 'node:timers/promises'

/** Seconds of one thing over the rounds. */
export interface Timing {
  readonly best: number
  readonly median: number
  readonly worst: number
}

/**
 * Times several things in turn, round by round, so that what else the machine does falls on all of them alike. One
 * round first, untimed. `pause` milliseconds before each let the threads of the one before go to sleep: some wait
 * busily for their next work.
 */
export async function interleaved(
  rounds: number,
  things: readonly (() => Promise<unknown>)[],
  { pause = 0 } = {}
): Promise<Timing[]> {
  for (const thing of things) await thing()
  const times = things.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, thing] of things.entries()) {
      if (pause) await setTimeout(pause)
      const start = performance.now()
      await thing()
      times[i].push((performance.now() - start) / 1000)
    }
    if (process.stderr.isTTY) process.stderr.write(`  round ${round + 1} of ${rounds}\r`)
  }
  return times.map(list => {
    const sorted = list.sort((a, b) => a - b)
    return { best: sorted[0], median: sorted[Math.floor(sorted.length / 2)], worst: sorted.at(-1)! }
  })
}
