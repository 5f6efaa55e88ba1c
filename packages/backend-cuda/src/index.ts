export { cpu, cuda, onnxruntime, type GpuOptions, type OnnxRuntimeOptions, type Provider } from './backend.js'
