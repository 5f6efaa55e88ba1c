/**
 * What each of our packages may import of ours: the law of the house, read by lint, by nx (as tags) and by the tests.
 * Core imports none; a backend knows graphs and never SAM; an app may import any package.
 */
export const packages = {
  'packages/core': [],
  'packages/onnx': ['@sam/core/graph', '@sam/core/model'],
  'packages/onnxruntime': ['@sam/core/graph', '@sam/onnx'],
  'packages/backend-cpu': ['@sam/core/graph', '@sam/onnxruntime/node'],
  'packages/backend-cuda': ['@sam/core/graph', '@sam/onnxruntime/node'],
  'packages/backend-wasm': ['@sam/core/graph', '@sam/onnx', '@sam/onnxruntime'],
  'packages/backend-webgpu': ['@sam/core/graph'],
  'packages/model-tiny': ['@sam/core'],
  'packages/model-mobile': ['@sam/core', '@sam/core/graph'],
  'packages/clip': ['@sam/core', '@sam/core/graph', '@sam/core/model'],
  'packages/worker': ['@sam/core', '@sam/core/graph'],
  'packages/annotations': ['@sam/core', '@sam/core/graph', '@sam/core/model'],
  'packages/annotator': ['@sam/core', '@sam/core/graph', '@sam/core/model'],
  'packages/rng': [],
  'packages/scenes': ['@sam/core', '@sam/core/model', '@sam/core/graph', '@sam/rng'],
  'packages/train': ['@sam/core', '@sam/core/graph', '@sam/core/model', '@sam/rng']
}
