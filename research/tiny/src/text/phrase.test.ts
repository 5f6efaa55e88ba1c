import { describe, expect, it } from 'vitest'
import { type Description, scenes } from '@sam/scenes'
import { createRng } from '@sam/rng'
import { anyDetail, describes, names, phraseFor, objectsIn, sentence, type Phrase, type SceneObject } from './phrase.js'
import { allWords, heldOutPairs, isHeldOut } from './words.js'

const star: Description = { noun: 'star', color: 'red', second: 'blue', pattern: 'striped', limbs: true }
const dot: Description = { noun: 'disc', color: 'green', pattern: 'plain', of: { link: 'on', whole: star } }

describe('phrases', () => {
  it('sentence: has a fixed word order', () => {
    expect(
      sentence({
        noun: 'star',
        color: 'red',
        second: 'blue',
        pattern: 'striped',
        limbs: true,
        size: 'small',
        place: 'on the left'
      })
    ).toBe('a small striped red and blue star with limbs on the left')
    expect(sentence({ noun: 'edge', of: { link: 'of', whole: { noun: 'oval' } } })).toBe('an edge of an oval')
    expect(sentence({ noun: 'body', color: 'orange', of: { link: 'of', whole: { noun: 'star' } } })).toBe(
      'the orange body of a star'
    )
  })

  it('describes: is true if all attributes match', () => {
    const said: [Phrase, boolean][] = [
      [{ noun: 'star' }, true],
      [{ noun: 'thing', color: 'red' }, true],
      [{ noun: 'star', color: 'blue', second: 'red' }, true],
      [{ noun: 'star', limbs: true }, true],
      [{ noun: 'star', color: 'green' }, false],
      [{ noun: 'ring' }, false],
      [{ noun: 'star', pattern: 'plain' }, false]
    ]
    for (const [phrase, true_] of said) expect(describes(phrase, star), sentence(phrase)).toBe(true_)
  })

  const seen = (about: Description): SceneObject => ({ about, size: undefined, place: undefined })
  it("names: compares a part's whole, which describes ignores", () => {
    expect(describes({ noun: 'circle', of: { link: 'on', whole: { noun: 'star', color: 'red' } } }, dot)).toBe(true)
    const wrong: Phrase = { noun: 'circle', of: { link: 'on', whole: { noun: 'star', color: 'green' } } }
    expect([describes(wrong, dot), names(wrong, seen(dot)), names({ noun: 'star', of: wrong.of }, seen(star))]).toEqual(
      [undefined, false, false]
    )
    expect(describes({ noun: 'disc' }, dot)).toBe(true)
    expect([dot, star].map(about => describes({ noun: 'thing' }, about))).toEqual([undefined, true])
    expect([dot, star].map(about => describes({ noun: 'part' }, about))).toEqual([true, undefined])
  })

  it('describes: is undefined for ambiguous attributes', () => {
    expect(describes({ noun: 'star', color: 'pink' }, { noun: 'star', pattern: 'plain' })).toBeUndefined()
    expect(describes({ noun: 'star', pattern: 'dotted' }, { noun: 'star', color: 'red' })).toBeUndefined()
    const about: Description = { noun: 'pebble', color: 'brown', pattern: 'plain', maybe: ['amoeba', 'orange'] }
    expect(describes({ noun: 'amoeba', color: 'orange' }, about)).toBeUndefined()
    expect(describes({ noun: 'amoeba', color: 'red' }, about)).toBe(false)
    expect(
      names(
        { noun: 'part', of: { link: 'on', whole: { noun: 'amoeba' } } },
        seen({ noun: 'disc', of: { link: 'on', whole: about } })
      )
    ).toBeUndefined()
  })

  it('names: compares size and position, which describes ignores', () => {
    const placed = { about: star, size: 'small', place: 'on the left' } as const
    expect(names({ noun: 'star', size: 'small', place: 'on the left' }, placed)).toBe(true)
    expect(names({ noun: 'star', place: 'on the right' }, placed)).toBe(false)
    expect(describes({ noun: 'star', place: 'on the right' }, star)).toBe(true)
  })
})

describe('phraseFor', async () => {
  const seen = (await Promise.all(Array.from({ length: 10 }, (_, i) => scenes({ size: 96, seed: 6 }).read(i))))
    .flatMap(objectsIn)
    .map(s => s!)
  const said = seen.flatMap((s, i) =>
    Array.from({ length: 20 }, (_, k) => ({ s, phrase: phraseFor(createRng(i, k), s, anyDetail) }))
  )

  it("is true of its object, in the vocabulary's words", () => {
    const known = new Set(allWords)
    for (const { s, phrase } of said) {
      expect(names(phrase, s)).toBe(true)
      for (const word of sentence(phrase).split(' ')) expect(known, word).toContain(word)
    }
    expect(new Set(said.map(({ phrase }) => sentence(phrase))).size).toBeGreaterThan(2 * seen.length)
  })
  it('objectsIn: gives size and position', () => {
    const mask = Uint8Array.from({ length: 400 }, (_, i) =>
      i % 20 < 3 && Math.floor(i / 20) > 6 && Math.floor(i / 20) < 12 ? 1 : 0
    )
    const image = { width: 20, height: 20, data: new Uint8Array(1200) }
    expect(objectsIn({ image, truths: [{ mask, about: star }, { mask }] })).toEqual([
      { about: star, size: undefined, place: 'on the left' },
      undefined
    ])
  })
})

describe('isHeldOut', () => {
  it('holds for either colour, of the object or of its whole', () => {
    const [[color, noun]] = heldOutPairs
    expect(isHeldOut({ noun, color, pattern: 'plain' })).toBe(true)
    expect(isHeldOut({ noun, color: 'gray', second: color, pattern: 'striped' })).toBe(true)
    expect(
      isHeldOut({
        noun: 'limb',
        color: 'gray',
        pattern: 'plain',
        of: { link: 'of', whole: { noun, color, pattern: 'plain' } }
      })
    ).toBe(true)
    expect(isHeldOut({ noun, color: 'gray', pattern: 'plain' })).toBe(false)
  })
})
