import { describe, expect, it } from 'vitest'
import type { Description } from '@sam/scenes'
import { createRng } from '@sam/rng'
import { anyDetail, describes, phraseFor, sentence } from './phrase.js'
import { hardNegativeCaption } from './hard-negative.js'

const star: Description = { noun: 'star', color: 'red', second: 'blue', pattern: 'striped', limbs: true }
const dot: Description = { noun: 'disc', color: 'green', pattern: 'plain', of: { link: 'on', whole: star } }

describe('hardNegativeCaption', () => {
  it('is false of the object and differs by one word', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 400; i++) {
      const rng = createRng(i)
      const about = i % 2 ? star : dot
      const phrase = phraseFor(rng, { about, size: undefined, place: undefined }, { ...anyDetail, alone: 0.2 })
      const [before, after] = [phrase, hardNegativeCaption(rng, phrase, about)].map(p =>
        sentence(p)
          .replace(/\b(an|the)\b/g, 'a')
          .split(' ')
      )
      expect(describes(phrase, about)).toBe(true)
      expect(describes(hardNegativeCaption(rng, phrase, about), about), sentence(phrase)).toBe(false)
      expect(after).toHaveLength(before.length)
      const changed = before.flatMap((word, k) => (word === after[k] ? [] : [k]))
      expect(changed, `${before.join(' ')}: ${after.join(' ')}`).toHaveLength(1)
      seen.add(before[changed[0]])
    }
    for (const word of ['star', 'red', 'blue', 'striped', 'disc', 'green']) expect([...seen], word).toContain(word)
  })
  it('is a function of the generator', () => {
    const phrase = { noun: 'star', color: 'red' }
    expect(hardNegativeCaption(createRng(5), phrase, star)).toEqual(hardNegativeCaption(createRng(5), phrase, star))
  })
})
