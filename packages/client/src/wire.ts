import { Mask, type AutomaticMask, type CocoRle, type MaskJson, type Prompt } from '@sam/core'
import { refuse } from '@sam/core/graph'
import type { Frame } from '@sam/core/model'

/** An image as the server describes it. */
export interface ImageFacts {
  readonly id: string
  readonly width: number
  readonly height: number
}

export interface ModelFacts {
  readonly name: string
  readonly imageSize: number
}

/** A mask as the server sends it: as run lengths, or with its logits. */
export interface SentMask extends Omit<MaskJson, 'segmentation'> {
  readonly segmentation?: CocoRle
  readonly logits?: string
  readonly threshold?: number
  readonly token?: number
}

export interface SentAutomaticMask extends SentMask {
  readonly id: number
  readonly point: readonly [number, number]
  readonly crop: readonly [number, number, number, number]
}

export function readMask(sent: SentMask, frame: Frame): Mask {
  const { logits, predicted_iou: predictedIou, threshold = 0 } = sent
  if (logits === undefined) return Mask.from(sent as MaskJson)
  return Mask.from({ lowResLogits: floatsOf(logits), frame, threshold, predictedIou })
}

export function readAutomaticMask(sent: SentAutomaticMask, frame: Frame): AutomaticMask {
  const mask = readMask(sent, frame)
  const [x, y] = sent.point
  const { token: tokenIndex = 0, stability_score: stability = 1, crop, area } = sent
  return { mask, point: { x, y }, tokenIndex, stability, box: mask.boxXyxy, area, crop }
}

/** Throws `E_BAD_PROMPT` for embeddings: they are not sent. */
export function promptJson({ points, box, mask, text, sparseEmbeddings }: Prompt): object {
  if (sparseEmbeddings || (text !== undefined && typeof text !== 'string'))
    refuse(
      'E_BAD_PROMPT',
      'prompt: embeddings are not sent to a server; decode in this process: connectServer(url, { decode })'
    )
  const logits = mask instanceof Float32Array ? mask : mask instanceof Mask ? mask.lowResLogits : undefined
  return {
    points,
    box,
    text,
    mask: logits ? { logits: base64Of(logits) } : mask && Mask.from(mask as Mask).toCocoRle()
  }
}

function floatsOf(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0))
  return new Float32Array(bytes.buffer, 0, bytes.length >> 2)
}

function base64Of({ buffer, byteOffset, byteLength }: Float32Array): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x2000) text += String.fromCharCode(...bytes.subarray(at, at + 0x2000))
  return btoa(text)
}
