/** How well one object was found. */
export interface ObjectScore {
  /** Name of its sample. */
  readonly image: string
  /** Level of nesting, where the data has it. */
  readonly level: string | undefined
  /** IoU after 1, 2, … clicks of the mask that the model ranks first. */
  readonly clicks: readonly number[]
  /** Of the three masks of the first click, the best IoU. */
  readonly oracle: number
  /** IoU of the first click's top-ranked mask with the best-fitting object under the click. */
  readonly nearest: number
  /** All objects under the first click, and whether one of the three masks matches each. */
  readonly meant: readonly { readonly level: string | undefined; readonly recalled: boolean }[]
  /** IoU from its box: of the three masks, the one ranked first and the best; and of the single mask. */
  readonly box: { readonly predicted: number; readonly oracle: number; readonly single: number }
}

/** Mean IoU over some objects: of the mask that the model ranks first, and of the best of the three. */
export interface Score {
  readonly objects: number
  readonly predicted: number
  readonly oracle: number
}

/** Results of an evaluation, in the photos' pixels. */
export interface Evaluation {
  readonly images: number
  readonly objects: number
  /** Skipped images (unreadable or without a mask) and masks (empty or of another size). */
  readonly skipped: { readonly images: number; readonly masks: number }
  /** Mean IoU after 1, 2, … clicks, over all objects. */
  readonly clicks: readonly number[]
  /**
   * The first click by kind of object: `all`; `whole`, `part`, `subpart` where the data has levels; `unambiguous`, with
   * no other object under the click. One click cannot select one of several nested objects: `nearest` scores the
   * best-fitting object under the click.
   */
  readonly oneClick: Readonly<Record<string, Score>>
  readonly nearest: number
  /** From the exact box; `single`: of the single mask (`multimask: false`). */
  readonly box: Score & { readonly single: number }
  /**
   * Mean number of clicks to reach an IoU (all clicks for an object that never does), and the share of objects that do.
   */
  readonly clicksTo: Readonly<Record<'0.85' | '0.9', { readonly clicks: number; readonly reached: number }>>
  /**
   * First clicks with several objects under them: the share of these objects, by level, that one of the three masks
   * matches (IoU ≥ 0.75).
   */
  readonly ambiguous: {
    readonly clicks: number
    readonly recall: Readonly<Record<string, { readonly objects: number; readonly share: number }>>
  }
  /** Each object, in the order of the samples. */
  readonly scores: readonly ObjectScore[]
}

/** A mask matches an object from this IoU on. */
export const recalled = 0.75

const levels = ['whole', 'part', 'subpart'] as const

/** The means over all objects, and over kinds of them. Kinds without objects are omitted. */
export function summary(
  scores: readonly ObjectScore[],
  clicks: number
): Omit<Evaluation, 'images' | 'skipped' | 'scores'> {
  const ambiguous = scores.filter(({ meant }) => meant.length > 1)
  const meant = ambiguous.flatMap(score => score.meant)
  const oneClick = kinds(scores, { unambiguous: scores.filter(score => score.meant.length === 1) })
  const to = (iou: number): { clicks: number; reached: number } => {
    const first = scores.map(score => score.clicks.findIndex(v => v >= iou) + 1)
    return { clicks: mean(first, n => n || clicks), reached: mean(first, n => (n ? 1 : 0)) }
  }
  return {
    objects: scores.length,
    clicks: Array.from({ length: clicks }, (_, i) => mean(scores, score => score.clicks[i])),
    oneClick: mapValues(oneClick, list => ({
      objects: list.length,
      predicted: mean(list, score => score.clicks[0]),
      oracle: mean(list, score => score.oracle)
    })),
    nearest: mean(scores, score => score.nearest),
    box: {
      objects: scores.length,
      predicted: mean(scores, ({ box }) => box.predicted),
      oracle: mean(scores, ({ box }) => box.oracle),
      single: mean(scores, ({ box }) => box.single)
    },
    clicksTo: { 0.85: to(0.85), 0.9: to(0.9) },
    ambiguous: {
      clicks: ambiguous.length,
      recall: mapValues(kinds(meant), list => ({ objects: list.length, share: mean(list, m => (m.recalled ? 1 : 0)) }))
    }
  }
}

/** A list as a whole, by level, and by further kinds; empty ones are omitted. */
function kinds<T extends { readonly level: string | undefined }>(
  list: readonly T[],
  further: Readonly<Record<string, readonly T[]>> = {}
): Record<string, readonly T[]> {
  const byLevel = levels.map(level => [level, list.filter(item => item.level === level)] as const)
  return Object.fromEntries(
    [['all', list] as const, ...byLevel, ...Object.entries(further)].filter(([, part]) => part.length)
  )
}

const mean = <T>(list: readonly T[], value: (item: T) => number): number =>
  list.reduce((sum, item) => sum + value(item), 0) / Math.max(1, list.length)

const mapValues = <T, U>(record: Readonly<Record<string, T>>, f: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))
