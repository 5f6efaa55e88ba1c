import { defineConfig } from 'vite'

export default defineConfig({
  publicDir: '../../cli/assets', // has coffee.jpg
  worker: { format: 'es' }, // the worker loads its backend with import()
  optimizeDeps: {
    // Vite's dev server finds the worker's dependencies before it serves the page, and does not have to reload it.
    entries: ['index.html', 'sam.worker.ts'],
    // It finds the model's files only if it does not bundle this package.
    exclude: ['@sam/model-mobile']
  }
})
