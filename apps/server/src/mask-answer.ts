import type { Mask, Prompt as SdkPrompt } from '@sam/core'
import { refuse } from '@sam/core/graph'
import type { z } from '@hono/zod-openapi'
import type { MaskAnswer, MaskFormat, Prompt } from './schemas.js'

/** A mask in the format that was asked for. */
export async function maskAnswer(
  mask: Mask,
  { format, smooth = false, simplify = 0 }: MaskFormat,
  token?: number
): Promise<z.infer<typeof MaskAnswer>> {
  const [x, y, width, height] = mask.boxXywh
  return {
    predicted_iou: mask.predictedIou,
    area: mask.area,
    bbox: [x, y, width, height],
    ...(mask.lowResLogits && { stability_score: mask.stability() }),
    ...(token !== undefined && { token }),
    ...(format === 'polygons'
      ? { polygons: mask.toPolygons({ smooth, simplify }) as [number, number][][][] }
      : format === 'png'
        ? { png: Buffer.from(await mask.toPng()).toString('base64') }
        : format === 'logits' && mask.lowResLogits
          ? { logits: base64(mask.lowResLogits), threshold: mask.threshold ?? 0 }
          : { segmentation: rle(mask) })
  }
}

function rle(mask: Mask): { size: [number, number]; counts: string } {
  const { size, counts } = mask.toCocoRle()
  return { size: [...size], counts }
}

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

/** A prompt as the SDK takes it. Throws `E_BAD_PROMPT` for logits that are no float32 values. */
export function sdkPrompt({ points, box, mask, text }: z.infer<typeof Prompt>): SdkPrompt {
  return {
    ...(points && { points }),
    ...(box && { box }),
    ...(mask && { mask: 'logits' in mask ? logits(mask.logits) : mask }),
    ...(text !== undefined && { text })
  }
}

function logits(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length % 4) refuse('E_BAD_PROMPT', `mask: logits must be float32 values, found ${bytes.length} bytes`)
  return new Float32Array(new Uint8Array(bytes).buffer)
}
