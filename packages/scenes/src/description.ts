/** What a region of a scene is: what its caption, and every other phrase for it, is made of. */
export interface Description {
  /** A kind of shape, or of part. */
  readonly noun: string
  /** The colour that fills it; none where the picture shows no colours. */
  readonly color?: string
  /** The other colour of its pattern, where there is one and it has another name. */
  readonly second?: string
  /** None where it is too faint to be sure of. */
  readonly pattern?: string
  /** Nouns, colours and patterns that the picture does not deny either: two people might call it by different ones. */
  readonly maybe?: readonly string[]
  /** Whether other shapes stick out of it. */
  readonly limbs?: true
  /** The thing that it is a part of, and how. */
  readonly of?: { readonly link: 'of' | 'on'; readonly whole: Description }
}

/** The same as a camera without colours sees it. */
export function withoutColor({ color: _color, second: _second, of, ...rest }: Description): Description {
  return { ...rest, ...(of && { of: { link: of.link, whole: withoutColor(of.whole) } }) }
}

/** `a striped red and blue star with limbs`, `a green band on a red disc`: all that is known, in one order of words. */
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
