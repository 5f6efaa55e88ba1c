/** A file name without its extension. */
export const stemOf = (name: string): string => name.replace(/\.[^./]*$/, '')

/**
 * The names, of which those that repeat an earlier one get a number: `cat.jpg`, `cat-2.jpg`. Names that differ in their
 * extension alone repeat each other, since other files are named after them.
 */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map(name => {
    const [stem, end] = [stemOf(name), name.slice(stemOf(name).length)]
    let unique = stem
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}`
    taken.add(unique.toLowerCase())
    return unique + end
  })
}
