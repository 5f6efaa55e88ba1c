/**
 * `@sam/backend-webgpu`: runs graphs on WebGPU, in the browser and in Node.
 * @packageDocumentation
 */
export { webgpu, type GpuMemory, type WebGpuBackend, type WebGpuOptions } from './backend.js'
export { keeps } from './kernels/index.js'
export { defaultLimits, type Limits } from './kernels/kernel.js'
export {
  demandOf,
  schedule,
  schedules,
  type Demand,
  type Schedule,
  type ScheduleOptions,
  type Slot,
  type Step
} from './schedule.js'
