export * from './build.js'
export * from './sugar.js'
export * from './composites/index.js'
