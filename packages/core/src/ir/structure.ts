import { valuesOf, type Graph } from './graph.js'
import { nameOf, type Attr, type Value } from './value.js'

/**
 * The structure of a graph as text: equal exactly when two graphs apply the same operations to the same inputs and
 * params under the same output names. Use it as the key of anything derived from a graph: a compiled executable, or
 * the outputs of a run.
 */
export function structureOf(g: Graph): string {
  const ids = new Map<Value, number>()
  const lines = valuesOf(g).map(value => {
    const line = structureOfValue(value, ids)
    ids.set(value, ids.size)
    return line
  })
  const declared = g.inputs.map(v => `${nameOf(v)} ${v.dtype}[${v.shape}]`)
  const outputs = Object.entries(g.outputs).map(([name, v]) => `${name}=${ids.get(v)}`)
  return [...declared, ...lines, ...outputs].join('\n')
}

/** One line that is equal for equal computations: operation, attributes, type and operands. */
export function structureOfValue(value: Value, ids: ReadonlyMap<Value, number>): string {
  const attrs = Object.entries(value.attrs).map(([k, a]) => `${k}=${attrKey(a)}`)
  const definition = value.composite ? `#${idOf(value.composite)}` : ''
  return `${value.op}${definition} ${value.dtype}[${value.shape}] ${attrs} ${value.inputs.map(v => ids.get(v))}`
}

function attrKey(attr: Attr): string {
  if (Array.isArray(attr)) return `[${attr.map(attrKey)}]`
  if (typeof attr === 'string') return JSON.stringify(attr)
  if (typeof attr !== 'object') return Object.is(attr, -0) ? '-0' : String(attr)
  const { data, shape, dtype } = attr as Extract<Attr, { data: unknown }>
  // Bytes, not numbers: 0 and −0 print alike. Large tensors are compared by identity.
  if (data.length > 1 << 16) return `tensor#${idOf(data)}`
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return `${dtype}[${shape}]${new TextDecoder('latin1').decode(bytes)}` // one character per byte
}

/** Large tensors and composite definitions are distinguished by identity. */
const idsOfObjects = new WeakMap<object, number>()
let objects = 0

function idOf(object: object): number {
  if (!idsOfObjects.has(object)) idsOfObjects.set(object, objects++)
  return idsOfObjects.get(object)!
}
