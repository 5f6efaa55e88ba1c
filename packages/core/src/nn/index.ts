export * from './layers.js'
export { residual } from './residual.js'
export { scope, type Scope } from './scope.js'
