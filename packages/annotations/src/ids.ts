/**
 * Different positive integers for ids, up to `most`: an id that is such a number keeps it, the others get the lowest
 * numbers that are left. Of equal ids, the first keeps its number.
 */
export function numberIds(ids: readonly (string | undefined)[], most = Number.MAX_SAFE_INTEGER): number[] {
  const taken = new Set<number>()
  const own = ids.map(id => {
    const number = id !== undefined && /^[1-9]\d*$/.test(id) ? Number(id) : undefined
    if (number === undefined || number > most || taken.has(number)) return undefined
    taken.add(number)
    return number
  })
  let next = 1
  return own.map(number => {
    if (number !== undefined) return number
    while (taken.has(next)) next++
    return next++
  })
}

/** Objects with different ids: an id that occurs again gets a suffix. */
export function withUniqueIds<T extends { readonly id: string }>(objects: readonly T[]): T[] {
  const taken = new Set<string>()
  const suffixes = new Map<string, number>()
  return objects.map(object => {
    let id = object.id
    while (taken.has(id)) {
      const n = (suffixes.get(object.id) ?? 1) + 1
      suffixes.set(object.id, n)
      id = `${object.id}-${n}`
    }
    taken.add(id)
    return id === object.id ? object : { ...object, id }
  })
}
