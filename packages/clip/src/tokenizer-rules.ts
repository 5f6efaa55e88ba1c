/**
 * What a `tokenizer.json` may ask for. Its patterns and replacements are run on phrases, so a hostile one could take
 * for ever or fill the memory; those of CLIP, GPT-2 and Llama 3 lie far inside these limits. SECURITY.md lists them.
 */

/** Objects and lists of the normalizer, pre-tokenizer and post-processor together, and how deep they nest. */
const [stepLimit, depthLimit] = [256, 8]
/** Characters of a pattern, and repeats (`+`, `*`, `{…}`) in each of its alternatives. */
const [patternLimit, repeatLimit] = [2000, 3]
/** How much longer a text may become by replacements. */
const growthLimit = 4096

/** Throws `SyntaxError` for a tokenizer outside the limits; what else is wrong with it is for the library to find. */
export function checkRules(json: unknown): void {
  let steps = 0
  let growth = 1
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return
    if (++steps > stepLimit) throw new SyntaxError(`it has more than ${stepLimit} steps`)
    if (depth > depthLimit) throw new SyntaxError(`its steps nest deeper than ${depthLimit}`)
    const { pattern, type, content, prepend } = value as Record<string, unknown>
    if (pattern !== undefined) checkPattern(pattern)
    if (type === 'Replace' || type === 'Prepend') {
      growth *=
        1 + [content, prepend].reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0)
      if (growth > growthLimit)
        throw new SyntaxError(`its replacements make texts more than ${growthLimit} times longer`)
    }
    for (const inner of Object.values(value)) visit(inner, depth + 1)
  }
  const { normalizer, pre_tokenizer, post_processor } = Object(json) as Record<string, unknown>
  for (const part of [normalizer, pre_tokenizer, post_processor]) visit(part, 0)
}

/** Refuses patterns whose matching may take exponential time, or a high power of the text's length. */
function checkPattern(given: unknown): void {
  const { Regex: pattern, String: text } = Object(given) as Record<string, unknown>
  if (typeof text === 'string') return
  if (typeof pattern !== 'string') throw new SyntaxError('a pattern is neither a Regex nor a String')
  if (pattern.length > patternLimit)
    throw new SyntaxError(`a pattern has ${pattern.length} characters, more than ${patternLimit}`)
  const bare = pattern
    .replace(/\\[pP]\{[^}]*\}|\\./gsu, 'x')
    .replace(/\[[^\]]*\]/g, 'x')
    .replace(/\(\?[a-z:=!<-]*/gi, '(')
  if (/\)[*+{]/.test(bare)) throw new SyntaxError('a pattern repeats a group')
  if (bare.split('|').some(branch => (branch.match(/[*+]|\{\d*,/g) ?? []).length > repeatLimit))
    throw new SyntaxError(`a pattern has an alternative with more than ${repeatLimit} repeats`)
}
