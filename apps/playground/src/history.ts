/** States that can be gone back and forth in. */
export interface History<T> {
  readonly past: readonly T[]
  readonly present: T
  readonly future: readonly T[]
}

/** The most steps kept. */
const limit = 200

export const startHistory = <T>(present: T): History<T> => ({ past: [], present, future: [] })

/** A new present; what was undone is gone. The same state again is no step. */
export const push = <T>({ past, present, ...rest }: History<T>, next: T): History<T> =>
  next === present ? { past, present, ...rest } : { past: [...past, present].slice(-limit), present: next, future: [] }

/** One step back, or the same where there is none. */
export const undo = <T>(history: History<T>): History<T> => {
  const { past, present, future } = history
  return past.length
    ? { past: past.slice(0, -1), present: past[past.length - 1], future: [present, ...future] }
    : history
}

/** One step forward, or the same where there is none. */
export const redo = <T>(history: History<T>): History<T> => {
  const {
    past,
    present,
    future: [next, ...future]
  } = history
  return history.future.length ? { past: [...past, present], present: next, future } : history
}
