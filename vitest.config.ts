import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

// The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources, so tests need no build.
const conditions = ['@sam/source', 'node', 'development|production']

/** One closing line that says how many tests ran, alone on its line, for whoever reads the log by machine. */
const closingLine: Reporter = {
  onTestRunEnd(modules) {
    const tests = modules.flatMap(m => [...m.children.allTests()].map(t => t.result().state))
    const count = (state: string): number => tests.filter(s => s === state).length
    const broken = modules.filter(m => m.state() === 'failed' && ![...m.children.allTests()].some(t => t.result().state === 'failed')).length
    console.log(`\n${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`)
  }
}

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/{src,test}/**/*.test.ts', 'tools/**/*.test.ts'],
    testTimeout: 60_000,
    reporters: ['default', closingLine],
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/*/src/**'] }
  }
})
