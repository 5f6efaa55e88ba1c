import { printable } from '@sam/core/graph'

/**
 * Rows as an aligned table; the first is the header. `align` has a letter per column: l for left, r for right.
 * Control characters of cells are escaped.
 */
export function table(align: string, cells: readonly (readonly string[])[]): string {
  const rows = cells.map(row => row.map(oneLine))
  const widths = [...align].map((_, column) => Math.max(...rows.map(row => lengthOf(row[column] ?? ''))))
  return rows
    .map(
      row =>
        widths
          .map((width, column) => {
            const cell = row[column] ?? ''
            const gap = ' '.repeat(width - lengthOf(cell))
            return align[column] === 'r' ? gap + cell : cell + gap
          })
          .join('  ')
          .trimEnd() + '\n'
    )
    .join('')
}

/** Approximate width on the screen: code points. */
const lengthOf = (text: string): number => [...text].length

const units = ['', ' k', ' M', ' G', ' T']

/** 941727350784 → '941.7 G': at most four digits, powers of 1000. */
export function short(n: number, unit = ''): string {
  if (n === 0) return `0${unit && ` ${unit}`}`
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(n) / 3)))
  const scaled = n / 1000 ** power
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 10 ? 2 : 1)}${units[power]}${power === 0 && unit ? ' ' : ''}${unit}`
}

export const bytes = (n: number): string => short(n, 'B')
export const percent = (part: number): string => `${(100 * part).toFixed(part < 0.1 ? 2 : 1)}%`

/** JSON that a terminal can show: what `printable` would change is escaped as JSON has it. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(/[^\n\x20-\x7e]/g, character =>
    printable(character) === character ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )}\n`

/** A name from a file or a user on one line, so that it cannot imitate our output. */
export const oneLine = (text: string): string =>
  printable(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'), Infinity)
