import { openWeights } from '../src/index.js'

/** Run by hub.test.ts as a process of its own: opens a repository of a hub and prints how many tensors it has. */
const [, , host, cacheDir] = process.argv
const source = await openWeights('hf:owner/name', { download: { host, cacheDir } })
console.log(String(source.names.length))
await source.close()
