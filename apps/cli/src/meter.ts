import type { StepProgress } from '@sam/train'

export interface MeterOptions {
  readonly iterations: number
  /** Takes a line that replaces the one before it. */
  readonly tell: (line: string) => void
  /** Takes a line that stays, one per minute and per evaluation: where there is no terminal. */
  readonly note?: ((line: string) => void) | undefined
}

/** Progress of training: a bar, mean loss and IoU of the last iterations, images per second, time left. */
export function meter({ iterations, tell, note }: MeterOptions): (step: StepProgress) => void {
  const recent: StepProgress[] = []
  let noted = -Infinity
  return step => {
    recent.push(step)
    if (recent.length > 50) recent.shift()
    const line = lineOf(step, { recent, iterations })
    tell(line)
    const now = performance.now()
    if (!note || (now - noted < 60_000 && !step.evaluation && step.iteration < iterations)) return
    noted = now
    note(line)
  }
}

function lineOf(
  { iteration, imagesPerSecond, secondsLeft, evaluation }: StepProgress,
  { recent, iterations }: { recent: readonly StepProgress[]; iterations: number }
): string {
  const mean = (key: 'loss' | 'firstIou' | 'laterIou'): string =>
    (recent.reduce((sum, step) => sum + step[key], 0) / recent.length).toFixed(3)
  return [
    bar(iteration / iterations),
    `${iteration} of ${iterations}`,
    `loss ${mean('loss')}`,
    `IoU ${mean('firstIou')}, later ${mean('laterIou')}`,
    `${imagesPerSecond.toFixed(1)} images/s`,
    `${duration(secondsLeft)} left`,
    ...(evaluation ? [`held out ${evaluation.heldOutClick?.toFixed(3)}`] : [])
  ].join('  ')
}

const bar = (part: number, width = 20): string => '█'.repeat(Math.round(part * width)).padEnd(width, '░')

/** 5 s, 12 min, 3.4 h. */
export const duration = (seconds: number): string =>
  seconds < 100
    ? `${Math.round(seconds)} s`
    : seconds < 6000
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`
