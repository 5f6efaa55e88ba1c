export * from './layers.js'
export { scope, type Scope } from './scope.js'
