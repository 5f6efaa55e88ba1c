import { defineConfig } from 'vite'
import { headers, securityHeaders } from './build/headers.js'
import { mobileSam } from './build/mobile-sam.js'
import { offline } from './build/offline.js'

const { 'Content-Security-Policy': _, ...isolation } = headers

/**
 * An optional dependency of @sam/clip that the playground does not use. External, so that its 27 MB runtime is not
 * bundled.
 */
const unused = ['@xenova/transformers']

export default defineConfig({
  base: './',
  // The '@sam/source' condition makes every @sam/* import resolve to TypeScript sources.
  resolve: { conditions: ['@sam/source', 'browser', 'module', 'import', 'default', 'development|production'] },
  plugins: [mobileSam(), securityHeaders(), offline()],
  worker: { format: 'es', plugins: () => [mobileSam()], rolldownOptions: { external: unused } },
  build: {
    rolldownOptions: { external: unused },
    outDir: 'dist/site',
    emptyOutDir: true,
    target: 'es2022',
    // The Content-Security-Policy allows no data: URLs.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500
  },
  optimizeDeps: { exclude: ['onnxruntime-web', '@sam/model-tiny', ...unused] },
  // Vite's development server needs inline scripts, so the policy applies to built pages only.
  server: { headers: isolation },
  preview: { headers }
})
