import { SaxesParser } from 'saxes'
import { brief, type Refuse } from '@sam/core/graph'
import { xmlDepthLimit } from './limits.js'

/** An element of an XML file. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: XmlElement[]
  /** The text inside, without that of its children. */
  text: string
}

/**
 * The root element of an XML file in UTF-8. Entities that a file declares are not expanded: using one is an error.
 */
export function readXml(bytes: Uint8Array, fail: Refuse): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const parser = new SaxesParser({})
  parser.on('error', error => fail(`it must be XML in UTF-8 (${error.message})`, error))
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length > xmlDepthLimit) fail(`elements may be nested ${xmlDepthLimit} deep, found <${brief(name)}> inside`)
    const element = { name, attributes: attributes as Record<string, string>, children: [], text: '' }
    open.at(-1)!.children.push(element)
    open.push(element)
  })
  parser.on('text', text => {
    open.at(-1)!.text += text
  })
  parser.on('cdata', text => {
    open.at(-1)!.text += text
  })
  parser.on('closetag', () => {
    open.pop()
  })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    return fail('it must be XML in UTF-8', cause)
  }
  parser.write(text).close()
  return root.children[0] ?? fail('it must be XML with a root element, found none')
}

/** The name of the root element, for telling formats apart; undefined where the file does not begin with elements. */
export function rootOf(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder().decode(bytes.subarray(0, 4096))
  return /<([A-Za-z_][\w.:-]*)/.exec(head)?.[1]
}

export const childrenNamed = (element: XmlElement, name: string): readonly XmlElement[] =>
  element.children.filter(child => child.name === name)

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/**
 * Text in XML, also in an attribute. Control characters that XML does not allow are left out; tab and line breaks,
 * which a reader of attributes would turn into spaces, are written as references.
 */
export const escapeXml = (text: string): string =>
  text
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '')
    .replace(/[&<>"]/g, c => entities[c])
    .replace(/[\t\n\r]/g, c => `&#${c.charCodeAt(0)};`)
