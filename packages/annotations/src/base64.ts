import type { Refuse } from '@sam/core/graph'

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

export function fromBase64(text: unknown, fail: Refuse): Uint8Array {
  if (typeof text !== 'string') return fail('it must be text in base64')
  try {
    return Uint8Array.from(atob(text), c => c.charCodeAt(0))
  } catch (cause) {
    return fail('it must be text in base64', cause)
  }
}
