import { defineConfig } from 'vite'

/** With these two headers a page may have threads; without them it runs on one. Any static server will do. */
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/**
 * @sam/clip can use it, the playground does not: unsaid, its runtime's 27 MB would be put among the files of the page.
 */
const unused = ['@xenova/transformers']

export default defineConfig({
  base: './',
  // The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources.
  resolve: { conditions: ['@sam/source', 'browser', 'module', 'import', 'default', 'development|production'] },
  worker: { format: 'es', rolldownOptions: { external: unused } },
  build: {
    rolldownOptions: { external: unused },
    outDir: 'dist/site',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 2048,
    chunkSizeWarningLimit: 1500
  },
  optimizeDeps: { exclude: ['onnxruntime-web', '@sam/model-tiny', ...unused] },
  server: { headers: isolated },
  preview: { headers: isolated }
})
