// Runs one of the TypeScript tools against the sources, with no build: node tools/run.js tools/verify/verify.ts …
import { resolve } from 'node:path'
import { runnerImport } from 'vite'

const [script, ...args] = process.argv.slice(2)
process.argv = [process.argv[0], resolve(script), ...args]
const conditions = ['@sam/source', 'node', 'development|production']
await runnerImport(resolve(script), {
  configFile: false,
  logLevel: 'error',
  environments: { inline: { resolve: { conditions, externalConditions: conditions } } }
})
