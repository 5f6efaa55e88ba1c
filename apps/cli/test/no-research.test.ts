import type * as Research from '../src/research.js'
import { describe, expect, it, vi } from 'vitest'
import { sam, workFolder } from './sam.js'

// As where `sam` is installed from a registry: the research workspace does not resolve.
vi.mock('../src/research.js', async original => {
  const { loadResearch }: typeof Research = await original()
  return { loadResearch: () => loadResearch('@sam/research-absent') }
})

describe('sam train without the research workspace', async () => {
  const folder = await workFolder()

  it('refuses its recipes, and says where they are', async () => {
    expect(await sam(['train', '--recipe', 'tiny', '--out', `${folder}/run`])).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining(
        '--recipe tiny: Allowed choices are vitH, vitL, vitB, finetuneDecoder, text. The recipes of the tiny model need a clone of the repository'
      ) as string
    })
  })
  it('accepts the recipes of @sam/train', async () => {
    expect(await sam(['train', '--recipe', 'vitB', '--out', `${folder}/run`])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--recipe vitB needs --data') as string
    })
  })
})
