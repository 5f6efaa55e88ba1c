/**
 * Parses JSON as Python writes it: UTF-8 with or without a byte order mark, `NaN` and `Infinity`, which become null.
 * Throws `TypeError` for bytes that are not UTF-8, `SyntaxError` for text that is not JSON.
 */
export function parsePythonJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    if (!/NaN|Infinity/.test(text)) throw cause
    return JSON.parse(text.replace(stringOrNumber, (found: string) => (found[0] === '"' ? found : 'null'))) as unknown
  }
}

/** Strings, which stay, and the numbers that JSON does not have. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs
