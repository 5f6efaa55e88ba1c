export const [width, height] = [150, 100]

/** A photo with a disc, a block and some texture. */
export const photo = (): { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } => {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    const disc = Math.hypot(x - 45, y - 50) < 25
    const block = x > 95 && x < 135 && y > 30 && y < 70
    data.set([disc ? 220 : 40 + (x % 9), block ? 200 : 60, disc || block ? 30 : 90 + (y % 7), 255], 4 * i)
  }
  return { width, height, data }
}
