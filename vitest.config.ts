import { defineConfig } from 'vitest/config'

// The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources, so tests need no build.
const conditions = ['@sam/source', 'node', 'development|production']

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/{src,test}/**/*.test.ts', 'tools/**/*.test.ts'],
    testTimeout: 60_000,
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/*/src/**'] }
  }
})
