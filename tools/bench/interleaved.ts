import { setTimeout } from 'node:timers/promises'

/** Seconds of one function over the rounds. */
export interface Timing {
  readonly best: number
  readonly median: number
  readonly worst: number
}

/**
 * Times several functions, interleaved round by round, so that other load on the machine affects all of them equally.
 * The first round is a warm-up. A pause of `pause` milliseconds before each lets spinning threads of the previous one
 * go to sleep.
 */
export async function interleaved(
  rounds: number,
  functions: readonly (() => Promise<unknown>)[],
  { pause = 0 } = {}
): Promise<Timing[]> {
  for (const run of functions) await run()
  const times = functions.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of functions.entries()) {
      if (pause) await setTimeout(pause)
      const start = performance.now()
      await run()
      times[i].push((performance.now() - start) / 1000)
    }
    if (process.stderr.isTTY) process.stderr.write(`  round ${round + 1} of ${rounds}\r`)
  }
  return times.map(list => {
    const sorted = list.sort((a, b) => a - b)
    return { best: sorted[0], median: sorted[Math.floor(sorted.length / 2)], worst: sorted.at(-1)! }
  })
}
