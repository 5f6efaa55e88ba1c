import { defineConfig } from 'vite'

export default defineConfig({
  publicDir: '../../cli/assets', // has coffee.jpg
  // Vite's dev server finds the model's files only if it does not bundle this package.
  optimizeDeps: { exclude: ['@sam/model-mobile'] }
})
