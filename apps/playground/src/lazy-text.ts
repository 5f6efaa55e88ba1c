import type { TextModel } from '@sam/core'

/** A text model that has to be freed. */
export type LoadedText = Required<Pick<TextModel, 'embed' | 'embedCrops'>> & { readonly dispose: () => Promise<void> }

/** What is known of a text model before it is loaded. */
export type TextFacts = Pick<TextModel, 'width' | 'scale' | 'background' | 'threshold'>

/** A text model whose weights are loaded for the first phrase. After a failure, the next phrase tries again. */
export function lazyText(facts: TextFacts, load: () => Promise<LoadedText>): LoadedText & TextFacts {
  let loading: Promise<LoadedText> | undefined
  const loaded = (): Promise<LoadedText> => {
    if (!loading) {
      loading = load()
      loading.catch(() => {
        loading = undefined
      })
    }
    return loading
  }
  return {
    ...facts,
    embed: async (...args) => (await loaded()).embed(...args),
    embedCrops: async (...args) => (await loaded()).embedCrops(...args),
    async dispose() {
      const text = await loading?.catch(() => undefined)
      await text?.dispose()
    }
  }
}
