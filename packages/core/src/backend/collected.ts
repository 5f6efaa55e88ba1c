// What fails here has nobody left to be told.
const registry = new FinalizationRegistry<() => unknown>(
  free =>
    void Promise.resolve()
      .then(free)
      .catch(() => {})
)

/**
 * Calls `free` once `owner` was collected, unless {@link disposedOf} was called before. `free` must not refer to
 * `owner`, directly or not: it would never be collected.
 */
export const whenCollected = (owner: object, free: () => unknown): void => registry.register(owner, free, owner)

/** `owner` was disposed of: nothing is left to free. */
export const disposedOf = (owner: object): boolean => registry.unregister(owner)
