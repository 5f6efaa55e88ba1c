import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'
import { locateChromium } from './tools/chromium/index.js'

// The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources, so tests need no build.
const conditions = ['@sam/source', 'node', 'development|production']

/** One closing line that says how many tests ran, alone on its line, for whoever reads the log by machine. */
const closingLine: Reporter = {
  onTestRunEnd(modules) {
    const tests = modules.flatMap(m => [...m.children.allTests()].map(t => t.result().state))
    const count = (state: string): number => tests.filter(s => s === state).length
    const broken = modules.filter(
      m => m.state() === 'failed' && ![...m.children.allTests()].some(t => t.result().state === 'failed')
    ).length
    console.log(`\n${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`)
  }
}

/**
 * `SAM_LONG=1`: also the tests that take minutes and repeat shorter ones, at full size or in another place. `npm run
 * verify:long` runs them.
 */
const isLong = process.env.SAM_LONG === '1'
const long = 'packages/*/test/long/**/*.test.ts'
const except = (...patterns: string[]): string[] => ['**/node_modules/**', ...patterns, ...(isLong ? [] : [long])]

/** What runs on a GPU: in Node through Dawn, and in a browser. */
const onGpu = [
  'packages/*/test/gpu/**/*.test.ts',
  'packages/backend-webgpu/test/**/*.test.ts',
  'tools/chromium/**/*.test.ts'
]
/** What only a page has. */
const onlyInPage = ['packages/core/test/page-*.test.ts', 'packages/*/test/browser/**/*.test.ts']
/** What a page shows of the kernels; Node's Dawn compiles the same shaders. */
const inPageRatherThanNode = [
  'packages/backend-webgpu/test/conformance.test.ts',
  'packages/backend-webgpu/test/tiny-vit.test.ts'
]
/** What runs in a page: that, and what runs on a GPU and reads no files by path. */
const inPage = [
  ...onlyInPage,
  ...inPageRatherThanNode,
  'packages/backend-webgpu/test/failures.test.ts',
  'packages/backend-webgpu/test/picture.test.ts',
  ...(isLong ? ['packages/backend-webgpu/test/decomposed.test.ts'] : [])
]

const chromium = locateChromium()

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ['default', closingLine],
    // No test depends on how fast the machine is.
    expect: { poll: { timeout: 60_000 } },
    coverage: { provider: 'v8', include: ['{packages,apps,research}/*/src/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          setupFiles: ['tools/one-thread.ts'],
          include: [
            '{packages,apps,research}/*/{src,test}/**/*.test.ts',
            'apps/examples/*/*.test.ts',
            'tools/**/*.test.ts'
          ],
          exclude: except(...onGpu, ...onlyInPage)
        }
      },
      {
        extends: true,
        test: {
          name: 'webgpu',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          include: onGpu,
          exclude: except(...(isLong ? [] : inPageRatherThanNode)),
          globalSetup: ['tools/chromium/setup.ts']
        }
      },
      {
        extends: true,
        resolve: { conditions: ['@sam/source', 'browser', 'module', 'import', 'development|production'] },
        optimizeDeps: { include: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu/dist/base.js'] },
        test: {
          name: 'browser',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          include: inPage,
          globalSetup: ['tools/chromium/setup.ts', 'packages/core/test/hub-setup.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: chromium.executablePath,
                args: [...chromium.args],
                env: { ...(process.env as Record<string, string>), ...chromium.env }
              }
            }),
            instances: [{ browser: 'chromium' }]
          }
        }
      }
    ]
  }
})
