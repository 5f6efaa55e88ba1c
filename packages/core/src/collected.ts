// What fails here has nobody left to be told.
const registry = new FinalizationRegistry<() => unknown>(
  free =>
    void Promise.resolve()
      .then(free)
      .catch(() => {})
)

/**
 * Calls `free(held)` once `owner` was collected, unless {@link disposedOf} was called before. Neither may refer to
 * `owner`, directly or not: it would never be collected. So `free` is a function of its module; one that is created
 * beside the owner keeps all variables there.
 */
export const whenCollected = <T>(owner: object, held: T, free: (held: T) => unknown): void =>
  registry.register(owner, () => free(held), owner)

/** `owner` was disposed of: nothing is left to free. */
export const disposedOf = (owner: object): boolean => registry.unregister(owner)
