import type { AutomaticMask, MaskUpdate } from '@sam/core'

/** An update as it crosses threads: masks have numbers, since a copy of a mask is another object. */
export interface NumberedUpdate extends Omit<MaskUpdate, 'added' | 'removed'> {
  readonly added: readonly (readonly [id: number, mask: AutomaticMask])[]
  readonly removed: readonly number[]
}

/** In the worker: sends the updates one by one, each after the page has taken the one before, until it has enough. */
export async function sendUpdates(
  updates: AsyncIterable<MaskUpdate>,
  send: (update: NumberedUpdate) => boolean | Promise<boolean>
): Promise<void> {
  const ids = new Map<AutomaticMask, number>()
  let serial = 0
  for await (const { added, removed, ...progress } of updates) {
    const gone = removed.map(mask => ids.get(mask)!)
    for (const mask of removed) ids.delete(mask)
    for (const mask of added) ids.set(mask, serial++)
    if (!(await send({ added: added.map(mask => [ids.get(mask)!, mask]), removed: gone, ...progress }))) return
  }
}

/** In the page: the updates of `call`, which gets {@link sendUpdates}' `send`. Leaving the loop ends the work. */
export async function* receiveUpdates(
  call: (send: (update: NumberedUpdate) => Promise<boolean>) => Promise<unknown>
): AsyncGenerator<MaskUpdate, void, undefined> {
  const masks = new Map<number, AutomaticMask>()
  const arrived: { readonly update: NumberedUpdate; readonly answer: (goOn: boolean) => void }[] = []
  let [ended, wake] = [false, (): void => {}]
  const running = call(
    update =>
      new Promise(answer => {
        arrived.push({ update, answer })
        wake()
      })
  ).finally(() => {
    ended = true
    wake()
  })
  running.catch(() => {}) // thrown below
  let taken = arrived[0]
  try {
    for (;;) {
      if (!arrived.length && !ended) await new Promise<void>(resolve => (wake = resolve))
      if (!arrived.length) break
      taken = arrived.shift()!
      const { added, removed, ...progress } = taken.update
      const gone = removed.map(id => masks.get(id)!)
      for (const id of removed) masks.delete(id)
      for (const [id, mask] of added) masks.set(id, mask)
      yield { added: added.map(([, mask]) => mask), removed: gone, ...progress }
      taken.answer(true)
    }
    await running
  } finally {
    taken?.answer(false)
  }
}
