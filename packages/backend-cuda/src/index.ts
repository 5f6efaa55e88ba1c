export { cuda, tensorrt, type CudaOptions } from './backend.js'
