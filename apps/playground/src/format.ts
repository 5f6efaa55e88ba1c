/** A predicted IoU as a percentage, clamped to 0 … 100%. */
export const percent = (score: number): string => `${Math.round(100 * Math.max(0, Math.min(1, score)))}%`
/** Bytes in megabytes of 10⁶ bytes, without the unit. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
