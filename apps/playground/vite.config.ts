import { defineConfig } from 'vite'

/** With these two headers a page may have threads; without them it runs on one. Any static server will do. */
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

export default defineConfig({
  base: './',
  // The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources.
  resolve: { conditions: ['@sam/source', 'browser', 'module', 'import', 'default', 'development|production'] },
  worker: { format: 'es' },
  build: { outDir: 'dist/site', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 2048, chunkSizeWarningLimit: 1500 },
  optimizeDeps: { exclude: ['onnxruntime-web', '@sam/model-tiny'] },
  server: { headers: isolated },
  preview: { headers: isolated }
})
