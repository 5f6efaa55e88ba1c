/**
 * A tokenizer in the standard layout of `tokenizer.json`, like CLIP's: byte-pair encoding, lowercase, start and end
 * tokens around each text.
 */
export interface TokenizerJson {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly string[]
    readonly [part: string]: unknown
  }
  readonly [part: string]: unknown
}

const [start, end] = ['<|startoftext|>', '<|endoftext|>']

/**
 * A tokenizer with one token per given word; other text is split into shorter tokens, at worst into bytes. The most
 * frequent pair is merged first, as in byte-pair encoding (Sennrich et al. 2016), until each word is one token. Layout,
 * split pattern and order of the vocabulary are those of CLIP's own file.
 */
export function tokenizerOf(words: readonly string[]): TokenizerJson {
  const letters = byteLetters()
  const pieces = words.map(word => [...word].map((letter, i) => (i === word.length - 1 ? `${letter}</w>` : letter)))
  const merges: [string, string][] = []
  for (;;) {
    const counts = new Map<string, { pair: [string, string]; count: number }>()
    for (const word of pieces) {
      for (let i = 0; i + 1 < word.length; i++) {
        const key = `${word[i]} ${word[i + 1]}`
        const known = counts.get(key) ?? { pair: [word[i], word[i + 1]], count: 0 }
        counts.set(key, { ...known, count: known.count + 1 })
      }
    }
    const best = [...counts.values()].reduce<{ pair: [string, string]; count: number } | undefined>(
      (a, b) => (a && a.count >= b.count ? a : b),
      undefined
    )
    if (!best) break
    merges.push(best.pair)
    for (const word of pieces) merge(word, best.pair)
  }
  const tokens = [
    ...new Set([
      ...letters,
      ...letters.map(letter => `${letter}</w>`),
      ...merges.map(pair => pair.join('')),
      start,
      end
    ])
  ]
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const added = (content: string) => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: content === start,
    special: true
  })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [added(start), added(end)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' }
      ]
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: `'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+` },
          behavior: 'Removed',
          invert: true
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true }
      ]
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [end, vocab[end]],
      cls: [start, vocab[start]],
      trim_offsets: false,
      add_prefix_space: false
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: end,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges: merges.map(pair => pair.join(' '))
    }
  }
}

function merge(word: string[], [first, second]: readonly [string, string]): void {
  for (let i = 0; i + 1 < word.length; i++)
    if (word[i] === first && word[i + 1] === second) word.splice(i, 2, first + second)
}

/**
 * A character for each of the 256 bytes: printable ones are themselves, the others are characters from 256 on. GPT-2:
 * bytes_to_unicode.
 */
function byteLetters(): string[] {
  const prints = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(prints(byte) ? byte : next++))
}
