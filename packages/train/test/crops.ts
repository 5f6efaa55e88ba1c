import { f32 } from '@sam/core/graph'
import type { CropPreprocessor } from '../src/data/first-prompt.js'

/**
 * A stub of CLIP's preprocessing: crops of 16 pixels with 4 × 4 patches, 1 where the object covers a cell of the photo.
 */
export const crops: CropPreprocessor = {
  preprocess(cuts) {
    const [side, grid] = [16, 4]
    const pixels = new Float32Array(cuts.length * 3 * side * side)
    const patches = new Float32Array(cuts.length * grid * grid)
    cuts.forEach(({ mask: { width, height, data } }, i) =>
      data.forEach((inside, at) => {
        if (!inside) return
        const [x, y] = [at % width, Math.floor(at / width)]
        patches[i * grid * grid + Math.floor((y * grid) / height) * grid + Math.floor((x * grid) / width)] = 1
        pixels[i * 3 * side * side + Math.floor((y * side) / height) * side + Math.floor((x * side) / width)] += 1
      })
    )
    return {
      pixel_values: f32([cuts.length, 3, side, side], pixels),
      mask_patches: f32([cuts.length, grid * grid], patches)
    }
  }
}
