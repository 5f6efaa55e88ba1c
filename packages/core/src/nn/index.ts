export * from './layers.js'
export { residual, type Branch } from './residual.js'
export { scope, type Scope } from './scope.js'
