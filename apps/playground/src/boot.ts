/**
 * The first script of the page. It starts the service worker, which keeps the page for visits without a network, and
 * loads the rest when the service worker answers for it: then nothing is downloaded twice, by the page and to be kept.
 * It shares no code with the rest, so that it is one small file.
 */

/** How long the first visit waits for the service worker, in milliseconds. */
const patience = 3000

/** Does nothing where there are no service workers, as in private windows, and on Vite's development server. */
async function startServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  try {
    const registration = await serviceWorker.register('./service-worker.js')
    // An active one that does not answer: the user reloads without the cache.
    if (serviceWorker.controller || registration.active) return
    await new Promise<void>(resolve => {
      const { installing } = registration
      serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true })
      installing?.addEventListener('statechange', () => {
        if (installing.state === 'redundant') resolve()
      })
      setTimeout(resolve, patience)
    })
  } catch {
    /* the page works without it */
  }
}

await startServiceWorker()
await import('./main.js')
