import * as tokenizers from '@huggingface/tokenizers'
import { InputError } from '@sam/core'
import { refusing, type Refuse } from '@sam/core/graph'
import type { TextTower } from './graph/config.js'

/** The part of the library that is used; its own types do not resolve under NodeNext. */
interface HuggingFaceTokenizer {
  encode(text: string): { readonly ids: readonly number[] }
}
const { Tokenizer } = tokenizers as unknown as { Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer }

/** A sentence as token ids, including start and end. Throws `E_BAD_PROMPT` for no tokens or too many. */
export type Tokenize = (sentence: string) => readonly number[]

/**
 * The tokenizer of a parsed `tokenizer.json` in the standard layout: CLIP's, or that of a custom model. Throws
 * `WeightsError` `E_WEIGHTS_FORMAT` if it is not one, or not of this text model.
 */
export function openTokenizer(
  json: unknown,
  { context, vocabulary, end }: Pick<TextTower, 'context' | 'vocabulary' | 'end'>,
  label = 'tokenizer.json'
): Tokenize {
  const refuse: Refuse = refusing('E_WEIGHTS_FORMAT', `${label}: must be the tokenizer of this text model; `)
  let tokenizer: HuggingFaceTokenizer
  try {
    tokenizer = new Tokenizer(json as object, {})
  } catch (cause) {
    return refuse('it could not be read', cause)
  }
  const [first, last] = edges(tokenizer.encode('a').ids)
  if (last !== end || first === undefined || first === last)
    refuse(`a text must begin with a start token and end with token ${end}, found ${first} and ${last}`)

  return sentence => {
    const { ids } = tokenizer.encode(sentence)
    checkLength(ids.length, context)
    const stranger = ids.find(id => !(Number.isInteger(id) && id >= 0 && id < vocabulary))
    if (stranger !== undefined) refuse(`the model knows tokens 0 … ${vocabulary - 1}, found ${stranger}`)
    return ids
  }
}

/**
 * Throws `E_BAD_PROMPT` for more tokens than the model's context, or for none besides start and end. Texts are not
 * truncated: that would remove the end token, whose position gives the embedding.
 */
export function checkLength(tokens: number, context: number): void {
  if (tokens > context)
    throw new InputError(
      'E_BAD_PROMPT',
      `phrase: must have at most ${context - 2} tokens, found ${tokens - 2}; name the object in a few words`
    )
  if (tokens < 3)
    throw new InputError('E_BAD_PROMPT', 'phrase: must have at least one token of the text model, found none')
}

const edges = (ids: readonly number[]): [number | undefined, number | undefined] => [ids[0], ids.at(-1)]
