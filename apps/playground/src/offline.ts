/**
 * Has the service worker, if there is one, store what this visit did not load, and what was loaded before it answered
 * for the page: `resources`, the URLs that the model's worker has loaded, and those of the page.
 */
export async function keepOffline(resources: readonly string[]): Promise<void> {
  if (!('serviceWorker' in navigator) || !(await navigator.serviceWorker.getRegistration())) return
  const { active } = await navigator.serviceWorker.ready
  const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
  active?.postMessage([...loaded, ...resources])
}
