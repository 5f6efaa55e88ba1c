/**
 * Floors of @sam/core, from the bottom: a file imports its own folder or a lower floor, never up and never sideways.
 * docs/architecture.md draws the same table.
 */
export const floors = [
  ['tensor'],
  ['ir', 'weights', 'image', 'io'],
  ['ops', 'masks'],
  ['reference', 'nn'],
  ['passes'],
  ['backend', 'sam'],
  ['prompts'],
  ['automatic'],
  ['text-search', 'draw'],
  ['sdk', 'testing']
]

/** The ways sideways: checkpoints and pictures are read from files. */
export const sideways = { weights: ['io'], io: ['image'] }

/** Folders that may use `#io`, which is another file in Node than in browsers. */
export const platformFolders = ['weights', 'masks', 'sdk']
