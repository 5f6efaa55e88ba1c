/** A predicted IoU as people read it. */
export const percent = (score: number): string => `${Math.round(100 * Math.max(0, Math.min(1, score)))}%`
