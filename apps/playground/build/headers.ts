import type { Plugin } from 'vite'

/**
 * Origins that a model may be downloaded from by URL, besides the page's own, such as 'https://huggingface.co'. Origins
 * that they redirect to must be listed too.
 */
const modelOrigins: readonly string[] = []

/** What the page may load: its own files. No inline script or style, no `eval`, no other server. */
const policy = [
  "default-src 'none'",
  // onnxruntime-web compiles WebAssembly.
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  ['connect-src', "'self'", ...modelOrigins].join(' '),
  "base-uri 'none'",
  "form-action 'none'"
].join('; ')

/** Response headers of every file of the built page. */
export const headers = {
  // Browsers ignore frame-ancestors in a meta element.
  'Content-Security-Policy': `${policy}; frame-ancestors 'self'`,
  // Cross-origin isolation, which WebAssembly threads need.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp'
} as const

/** The names of these files contain their hash. */
const assets = { 'Cache-Control': 'public, max-age=31536000, immutable' }

/** The page and its service worker: browsers ask whether there is a newer version. */
const entries = { 'Cache-Control': 'no-cache' }

/**
 * Writes the policy into the built page, for hosts without headers of their own, and all headers into `_headers`, which
 * Netlify and Cloudflare Pages read. A meta element does not apply to the page's worker; the header does.
 */
export function securityHeaders(): Plugin {
  const rule = (path: string, lines: Readonly<Record<string, string>>): string =>
    [path, ...Object.entries(lines).map(([name, value]) => `  ${name}: ${value}`), ''].join('\n')
  return {
    name: 'security-headers',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' }
    ],
    generateBundle() {
      this.emitFile({
        type: 'asset',
        fileName: '_headers',
        source: [
          rule('/*', headers),
          rule('/assets/*', assets),
          ...['/', '/index.html', '/service-worker.js'].map(path => rule(path, entries))
        ].join('')
      })
    }
  }
}
