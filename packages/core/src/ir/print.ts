import { formatShape } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'
import { valuesOf, type Graph } from './graph.js'
import { nameOf, type Attr, type Value } from './value.js'

/**
 * A graph as text, one line per value: for debugging, snapshots and bug reports.
 * Leaves print by name where they are used; everything else gets a number.
 */
export function print(g: Graph): string {
  const names = new Map<Value, string>()
  const lines: string[] = []
  const type = (v: Value): string => `${v.dtype}${formatShape(v.shape)}`
  for (const value of valuesOf(g)) {
    const leaf = nameOf(value)
    if (leaf !== undefined) {
      names.set(value, leaf)
    } else if (value.op === 'constant') {
      names.set(value, formatConstant(value.attrs.tensor as HostTensor))
    } else {
      const name = `%${lines.length}`
      names.set(value, name)
      const attrs = Object.entries(value.attrs)
        .map(([k, a]) => ` ${k}=${formatAttr(a)}`)
        .join('')
      lines.push(`  ${name}: ${type(value)} = ${value.op}(${value.inputs.map(v => names.get(v)).join(', ')})${attrs}`)
    }
  }
  const inputs = g.inputs.map(v => `${nameOf(v)}: ${type(v)}`).join(', ')
  const outputs = Object.entries(g.outputs).map(([name, v]) => `  return ${name} = ${names.get(v)}: ${type(v)}`)
  return [`${g.name}(${inputs})`, ...lines, ...outputs].join('\n')
}

function formatAttr(attr: Attr): string {
  if (typeof attr !== 'object') return String(attr)
  return 'data' in attr ? formatConstant(attr) : formatShape(attr)
}

function formatConstant({ dtype, shape, data }: HostTensor): string {
  if (data.length <= 8)
    return `${dtype}${shape.length ? formatShape(shape) : ''}{${Array.from(data, x => +x.toPrecision(7)).join(' ')}}`
  let hash = 0x811c9dc5
  for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    hash = Math.imul(hash ^ byte, 0x01000193)
  return `${dtype}${formatShape(shape)}{#${(hash >>> 0).toString(16)}}`
}
