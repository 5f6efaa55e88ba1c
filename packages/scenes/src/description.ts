/** Attributes of a region of a scene: the source of its caption and of every other phrase for it. */
export interface Description {
  /** The kind of shape or part. */
  readonly noun: string
  /** The main colour; undefined in gray images. */
  readonly color?: string
  /** The other colour of its pattern, if it has another name. */
  readonly second?: string
  /** Undefined if too faint to be recognised. */
  readonly pattern?: string
  /** Nouns, colours and patterns that the image does not rule out: other people may use them. */
  readonly maybe?: readonly string[]
  /** Whether other shapes stick out of it. */
  readonly limbs?: true
  /** The object that it is a part of, with the preposition. */
  readonly of?: { readonly link: 'of' | 'on'; readonly whole: Description }
}

/** The description without colours, for gray images. */
export function withoutColor({ color: _color, second: _second, of, ...rest }: Description): Description {
  return { ...rest, ...(of && { of: { link: of.link, whole: withoutColor(of.whole) } }) }
}

/**
 * `a striped red and blue star with limbs`, `a green band on a red disc`: all known attributes, in a fixed word order.
 */
export function captionOf({ noun, color, second, pattern, limbs, of }: Description): string {
  const colors = second ? `${color} and ${second}` : color
  const words = [
    pattern !== 'plain' && pattern,
    colors,
    noun,
    limbs && 'with limbs',
    of && `${of.link} ${captionOf(of.whole)}`
  ]
  return withArticle(words.filter(Boolean).join(' '), noun === 'body')
}

/** `a star`, `an oval`, `the body`. */
export const withArticle = (words: string, only = false): string =>
  `${only ? 'the' : /^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`
