import { defineConfig } from 'vite'

/** Headers for cross-origin isolation, which WebAssembly threads need. Optional: without them, one thread is used. */
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/**
 * An optional dependency of @sam/clip that the playground does not use. External, so that its 27 MB runtime is not
 * bundled.
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
