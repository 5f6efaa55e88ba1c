/** Digits of three by five pixels: a hexadecimal digit per row, a bit per pixel. */
const glyphs: Readonly<Record<string, string>> = {
  0: '75557',
  1: '26227',
  2: '71747',
  3: '71717',
  4: '55711',
  5: '74717',
  6: '74757',
  7: '71122',
  8: '75757',
  9: '75717',
  '.': '00002'
}

/**
 * Visits the pixels of a number drawn on a rectangle with a border of one dot; `ink` tells digit from background. Each
 * dot is `scale` pixels wide.
 */
export function writeNumber(text: string, visit: (x: number, y: number, ink: boolean) => void, scale = 3): void {
  const [width, height] = [4 * text.length + 1, 7]
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const [column, row] = [Math.floor(x / scale) - 1, Math.floor(y / scale) - 1]
      const bits = Number(glyphs[text[column >> 2] ?? '']?.[row] ?? 0)
      visit(x, y, column >= 0 && (column & 3) < 3 && ((bits >> (2 - (column & 3))) & 1) === 1)
    }
  }
}
