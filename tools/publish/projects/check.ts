import { decodeImage } from '@sam/core'

/** The photo of all projects, the click of the samples there, and what MobileSAM finds: cup, saucer and spoon. */
export const photo = 'apps/cli/assets/coffee.jpg'
export const click = { x: 290, y: 150 }
const expected = { predictedIou: 0.974, area: 112_635 }

/** An install without the CUDA libraries, as the READMEs recommend for machines with no NVIDIA GPU. */
export const skip = { ONNXRUNTIME_NODE_INSTALL: 'skip' }

/** Throws unless the best mask of the click is right, on any backend. */
export function checkClick({ predictedIou, area }: { readonly predictedIou: number; readonly area: number }): void {
  if (Math.abs(predictedIou - expected.predictedIou) > 0.005 || Math.abs(area / expected.area - 1) > 0.01)
    throw new Error(
      `the best mask must be ${JSON.stringify(expected)}, found ${JSON.stringify({ predictedIou, area })}`
    )
}

/** The same for what `console.log(masks[0].predictedIou, …)` printed and the file of `toPng`. */
export async function checkPng(stdout: string, png: Uint8Array): Promise<void> {
  const { data, width, height } = await decodeImage(new Uint8Array(png))
  const channels = data.length / (width * height)
  const area = data.filter((value, i) => i % channels === 0 && value === 255).length
  checkClick({ predictedIou: Number.parseFloat(stdout), area })
}
