/** A WGSL program and its dispatch as plain data, independent of a device. */
export interface Program {
  /** Name for messages and profiles. */
  readonly name: string
  /** Functions and `fn main()`. Reads the inputs by their names and `uniforms`, writes `result`. */
  readonly code: string
  readonly inputs: readonly Binding[]
  /** Elements of a `result` entry. */
  readonly components: 1 | 4
  readonly workgroup: Triple
  readonly groups: Triple
  readonly uniforms: readonly Uniform[]
  /** Bytes of workgroup memory. */
  readonly shared?: number
}

export type Triple = readonly [number, number, number]

export interface Binding {
  readonly name: string
  /** Elements of an entry: 4 is `array<vec4<…>>`. */
  readonly components: 1 | 2 | 4
}

/** A number or a vector of 2 or 4; changing it does not change the pipeline. */
export interface Uniform {
  readonly name: string
  readonly type: 'i32' | 'f32'
  readonly data: readonly number[]
}

export const i32 = (name: string, ...data: number[]): Uniform => ({ name, type: 'i32', data })
export const f32 = (name: string, ...data: number[]): Uniform => ({ name, type: 'f32', data })

/** Inputs named x0, x1, … of single elements. */
export const operands = (count: number): Binding[] =>
  Array.from({ length: count }, (_, i) => ({ name: `x${i}`, components: 1 }))

/** Every device allows this many workgroups per axis. */
const axisLimit = 65535

/** Workgroups for one index; beyond the limit of one axis they extend into a second. */
export const folded = (count: number): Triple => {
  const rows = Math.max(1, Math.ceil(count / axisLimit))
  return [Math.max(1, Math.ceil(count / rows)), rows, 1]
}

/** The workgroup index of a `folded` dispatch. */
export const foldedIndex = 'i32(workgroupId.y * numWorkgroups.x + workgroupId.x)'

/** Threads per workgroup if each computes one element. */
const threads = 64

/** A program in which each thread computes one element of the result, `i`; `body` may return early. */
export function perElement(name: string, { count, body, helpers = '', inputs, uniforms }: PerElement): Program {
  return {
    name,
    inputs,
    components: 1,
    workgroup: [threads, 1, 1],
    groups: folded(Math.ceil(count / threads)),
    uniforms: [i32('count', count), ...uniforms],
    code: `${helpers}
fn main() {
  let i = ${foldedIndex} * ${threads} + i32(localIndex);
  if (i >= uniforms.count) { return; }
${body}
}`
  }
}

export interface PerElement {
  readonly count: number
  readonly body: string
  readonly helpers?: string
  readonly inputs: readonly Binding[]
  readonly uniforms: readonly Uniform[]
}

/** Coordinates c0 … of a flat index over the axes whose sizes are the uniforms `size0` …, outermost first. */
export function coordinates(
  rank: number,
  { index = 'i', prefix = 'c', size = 'size' }: { index?: string; prefix?: string; size?: string } = {}
): string {
  const lines: string[] = []
  let rest = index
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(
      `  let ${prefix}${axis} = (${rest}) % uniforms.${size}${axis}; let ${prefix}rest${axis} = (${rest}) / uniforms.${size}${axis};`
    )
    rest = `${prefix}rest${axis}`
  }
  if (rank > 0) lines.push(`  let ${prefix}0 = ${rest};`)
  return lines.join('\n')
}

/**
 * The address of coordinates: offset and strides as uniforms `<name>At` and `<name>Step0` …, and the index expression
 * that uses them.
 */
export function address(
  name: string,
  { strides, offset, prefix = 'c' }: { strides: readonly number[]; offset: number; prefix?: string }
): { uniforms: Uniform[]; index: string } {
  return {
    uniforms: [i32(`${name}At`, offset), ...strides.map((s, i) => i32(`${name}Step${i}`, s))],
    index: [`uniforms.${name}At`, ...strides.map((_, i) => `${prefix}${i} * uniforms.${name}Step${i}`)].join(' + ')
  }
}

/** Uniforms `size0` … */
export const sizesOf = (sizes: readonly number[], name = 'size'): Uniform[] =>
  sizes.map((s, i) => i32(`${name}${i}`, s))
