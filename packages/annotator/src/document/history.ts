/** States for undo and redo. */
export interface History<T> {
  readonly past: readonly T[]
  readonly present: T
  readonly future: readonly T[]
}

/** The maximum number of past states. */
const limit = 200

export const startHistory = <T>(present: T): History<T> => ({ past: [], present, future: [] })

/** Sets a new present and clears the redo stack. Pushing the present state again changes nothing. */
export const push = <T>({ past, present, ...rest }: History<T>, next: T): History<T> =>
  next === present ? { past, present, ...rest } : { past: [...past, present].slice(-limit), present: next, future: [] }

/** One step back; returns the history unchanged if there is none. */
export const undo = <T>(history: History<T>): History<T> => {
  const { past, present, future } = history
  return past.length
    ? { past: past.slice(0, -1), present: past[past.length - 1], future: [present, ...future] }
    : history
}

/** One step forward; returns the history unchanged if there is none. */
export const redo = <T>(history: History<T>): History<T> => {
  const {
    past,
    present,
    future: [next, ...future]
  } = history
  return history.future.length ? { past: [...past, present], present: next, future } : history
}
