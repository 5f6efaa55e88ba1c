import * as tokenizers from '@huggingface/tokenizers'
import { InputError } from '@sam/core'
import { refusing, type Refuse } from '@sam/core/graph'
import type { TextTower } from './graph/config.js'
import { checkRules } from './tokenizer-rules.js'

/** The part of the library that is used; its own types do not resolve under NodeNext. */
interface HuggingFaceTokenizer {
  encode(text: string): { readonly ids: readonly number[] }
}
const { Tokenizer } = tokenizers as unknown as { Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer }

/** Characters of a sentence. */
const sentenceLimit = 2000

/** A sentence as token ids, start and end included. Throws `E_BAD_PROMPT` for one with no token or with too many. */
export type Tokenize = (sentence: string) => readonly number[]

/**
 * The tokenizer of a `tokenizer.json` in the standard layout, parsed: CLIP's, or one made for a model of one's own.
 * Throws `WeightsError` `E_WEIGHTS_FORMAT` where it is not one, is not of this text model, or
 * could take too long on a phrase (`checkRules`).
 */
export function openTokenizer(
  json: unknown,
  { context, vocabulary, end }: Pick<TextTower, 'context' | 'vocabulary' | 'end'>,
  label = 'tokenizer.json'
): Tokenize {
  const refuse: Refuse = refusing('E_WEIGHTS_FORMAT', `${label}: must be the tokenizer of this text model; `)
  let tokenizer: HuggingFaceTokenizer
  try {
    checkRules(json)
    tokenizer = new Tokenizer(json as object, {})
  } catch (cause) {
    return refuse(cause instanceof SyntaxError ? cause.message : 'it could not be read', cause)
  }
  // The library checks little when it reads a file: what is missing there shows in the first text.
  const encode = (sentence: string): readonly number[] => {
    let ids: unknown
    try {
      ids = tokenizer.encode(sentence)?.ids
    } catch (cause) {
      return refuse('it fails on a text', cause)
    }
    return Array.isArray(ids) ? (ids as number[]) : refuse('it gives no tokens for a text')
  }
  const [first, last] = edges(encode('a'))
  if (last !== end || first === undefined || first === last)
    refuse(`a text must begin with a start token and end with token ${end}, found ${String(first)} and ${String(last)}`)

  return sentence => {
    if (sentence.length > sentenceLimit)
      throw new InputError(
        'E_BAD_PROMPT',
        `phrase: it may have at most ${sentenceLimit} characters, found ${sentence.length}; name the thing in a few words`
      )
    const ids = encode(sentence)
    checkLength(ids.length, context)
    const stranger = ids.findIndex(id => !(Number.isInteger(id) && id >= 0 && id < vocabulary))
    if (stranger >= 0) refuse(`the model knows tokens 0 … ${vocabulary - 1}, found ${String(ids[stranger])}`)
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
