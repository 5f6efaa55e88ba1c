/**
 * Starts the service worker, which keeps the page for visits without a network, and gives it what was loaded before it
 * was there: `resources`, the URLs that the model's worker has loaded. Does nothing without service workers, as in
 * private windows, and on Vite's development server.
 */
export async function keepOffline(resources: readonly string[]): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('./service-worker.js')
    const { active } = await navigator.serviceWorker.ready
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
    active?.postMessage([...loaded, ...resources])
  } catch {
    /* the page works without it */
  }
}
