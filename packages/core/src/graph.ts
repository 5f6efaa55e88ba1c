/**
 * `@sam/core/graph`: the graph, its passes, and the contract between a graph and a backend. For backends, trainers and exporters.
 * @packageDocumentation
 */
export * from './errors.js'
export { bytesPerElement, arrayOf, type DType, type DTypeArrays } from './tensor/dtype.js'
export * from './tensor/shape.js'
export * from './tensor/tensor.js'
export * from './tensor/half.js'
export * from './tensor/interpolate.js'
export { constant, describe, input, nameOf, param, type Attr, type Attrs, type Composite, type Value } from './ir/value.js'
export * from './ir/graph.js'
export { print } from './ir/print.js'
export { isPrimitive, traits, type Primitive, type Primitives, type Trait } from './ops/primitives.js'
export * as ops from './ops/index.js'
export { evaluate, exact, toHost, type Bindings, type Exact } from './reference/evaluate.js'
export { decompose } from './passes/decompose.js'
export { differentiate, type DifferentiateOptions } from './passes/differentiate.js'
export { simplify } from './passes/simplify.js'
export { stage, type Stages } from './passes/stage.js'
export { verify } from './passes/verify.js'
export type { Backend, CompileOptions, DeviceTensor, Executable, Feeds } from './backend/backend.js'
export { prepare, type Prepared } from './backend/prepare.js'
