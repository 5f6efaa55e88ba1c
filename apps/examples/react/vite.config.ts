import { defineConfig } from 'vite'

export default defineConfig({
  publicDir: '../../cli/assets', // has coffee.jpg
  worker: { format: 'es' }, // the worker loads its backend with import()
  // Vite's dev server finds the model's files only if it does not bundle this package.
  optimizeDeps: { exclude: ['@sam/model-mobile'] }
})
