import { homedir } from 'node:os'
import { join } from 'node:path'

/** A folder of this SDK in the user's cache. */
export const cacheFolder = (name: string): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sam', name)
