import type { HostTensor } from '@sam/core/graph'
import type { SamConfig } from '@sam/core'
import type { FirstPrompt, Recipe, TrainingHooks } from '@sam/train'

/** What `sam train` uses of `@sam/research-tiny`: the recipes of the embedded model. */
export interface Research {
  readonly recipes: Readonly<Record<string, Recipe>>
  /** What a recipe adds to the paper's training. */
  hooks(
    recipe: Recipe
  ): Omit<TrainingHooks, 'firstPrompt'> & { readonly firstPrompt: Pick<FirstPrompt, 'cropMask' | 'augment'> }
  /** Whether two models differ only in that the second has smaller patches, by an integer factor. */
  canResample(from: SamConfig, to: SamConfig): boolean
  /** The params of the first for the second. */
  resampleSam(
    params: Readonly<Record<string, HostTensor>>,
    from: SamConfig,
    to: SamConfig
  ): Readonly<Record<string, HostTensor>>
}

/** The research workspace; undefined where `sam` is installed without it: it is private, and so not a dependency. */
export async function loadResearch(workspace = '@sam/research-tiny'): Promise<Research | undefined> {
  try {
    return (await import(/* @vite-ignore */ workspace)) as Research
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && String(error).includes(workspace))
      return undefined
    throw error
  }
}
