/** A score of 0 … 1 as a percentage. */
export const percent = (score: number): string => `${Math.round(100 * Math.max(0, Math.min(1, score)))}%`
/** Bytes in megabytes of 10⁶ bytes, without the unit. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
/** A count with its noun: `1 mask`, `3 masks`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
/** The backend that computes a model, as users know it. */
export const backendName = ({ backend }: { readonly backend: { readonly name: string } }): string =>
  backend.name === 'webgpu' ? 'WebGPU' : 'WebAssembly'
