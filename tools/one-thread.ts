/**
 * Vitest setup: onnxruntime gets one thread, because files of tests run side by side, and its threads spin while they
 * wait. The tests of the cpu backend keep the default, one thread per core.
 */
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { expect } from 'vitest'

if (!expect.getState().testPath?.includes('/packages/backend-cpu/')) {
  os.availableParallelism = () => 1
  syncBuiltinESMExports()
}
