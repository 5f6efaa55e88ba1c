import type { Value } from '@sam/core/graph'
import { typeOf } from './kernel.js'

/** Elementwise operations as WGSL over operand expressions. A boolean is an i32, 0 or 1. */
const table: Readonly<Record<string, (operands: readonly string[], node: Value) => string>> = {
  neg: ([x]) => `(-${x})`,
  exp: ([x]) => `exp(${x})`,
  log: ([x]) => `log(${x})`,
  sqrt: ([x]) => `sqrt(${x})`,
  sin: ([x]) => `sine(${x}, 0)`,
  cos: ([x]) => `sine(${x}, 1)`,
  erf: ([x]) => `errorFunction(${x})`,
  cast: ([x], node) => cast(x, node.inputs[0], node),
  add: ([a, b]) => `(${a} + ${b})`,
  sub: ([a, b]) => `(${a} - ${b})`,
  mul: ([a, b]) => `(${a} * ${b})`,
  div: ([a, b]) => `(${a} / ${b})`,
  max: ([a, b]) => `max(${a}, ${b})`,
  less: ([a, b]) => `select(0, 1, ${a} < ${b})`,
  equal: ([a, b]) => `select(0, 1, ${a} == ${b})`,
  where: ([c, a, b]) => `select(${b}, ${a}, ${c} != 0)`,
  relu: ([x]) => `max(${x}, 0)`,
  sigmoid: ([x]) => `(1 / (1 + exp(-${x})))`,
  gelu: ([x]) => `gelu(${x})`
}

export const isElementwise = (op: string): boolean => op in table

/** A node as an expression of its operands' expressions. */
export const expression = (node: Value, operands: readonly string[]): string => table[node.op](operands, node)

function cast(x: string, from: Value, to: Value): string {
  switch (to.dtype) {
    case 'bool':
      return `select(0, 1, ${x} != 0)`
    case 'i32':
      return `i32(${x})`
    case 'f32':
      return `f32(${x})`
    case 'f16':
      return from.dtype === 'f16' ? x : `half(f32(${x}))`
  }
}

/** A number as an exact WGSL expression; undefined if WGSL has none (NaN, ±∞). */
export function literal(value: number, node: Value): string | undefined {
  if (!Number.isFinite(Math.fround(value))) return undefined
  return typeOf(node) === 'f32' ? `f32(${Object.is(value, -0) ? '-0.0' : Math.fround(value)})` : `i32(${value})`
}

/** Functions for expressions that WGSL lacks or computes too inaccurately. */
const functions: Readonly<Record<string, string>> = {
  // Rational approximation by odd and even powers, as in Eigen's and XLA's erf: error within 2e-7 everywhere, relative
  // near 0.
  errorFunction: `
fn errorFunction(v : f32) -> f32 {
  let x = clamp(v, -4.0, 4.0);
  let s = x * x;
  let p = ((((((-2.72614225801306e-10 * s + 2.77068142495902e-08) * s - 2.10102402082508e-06) * s - 5.69250639462346e-05) * s - 7.34990630326855e-04) * s - 2.95459980854025e-03) * s - 1.60960333262415e-02);
  let q = ((((-1.45660718464996e-05 * s - 2.13374055278905e-04) * s - 1.68282697438203e-03) * s - 7.37332916720468e-03) * s - 1.42647390514189e-02);
  return x * p / q;
}`,
  gelu: `
fn gelu(x : f32) -> f32 { return 0.5 * x * (1.0 + errorFunction(x * 0.7071067811865476)); }`,
  // WGSL guarantees sin and cos only to 2^-11 and within ±π: reduce to ±π/4 in three steps, then use Cephes'
  // polynomials.
  sine: `
fn sine(x : f32, quarter : i32) -> f32 {
  let turns = round(x * 0.6366197723675814);
  let r = ((x - turns * 1.5703125) - turns * 4.837512969970703125e-4) - turns * 7.54978995489188216e-8;
  let s = r * r;
  let odd = r + r * s * ((-1.9515295891e-4 * s + 8.3321608736e-3) * s - 1.6666654611e-1);
  let even = 1.0 - 0.5 * s + s * s * ((2.443315711809948e-5 * s - 1.388731625493765e-3) * s + 4.166664568298827e-2);
  let k = (i32(turns) + quarter) & 3;
  let y = select(odd, even, (k & 1) == 1);
  return select(y, -y, k >= 2);
}`,
  // To the nearest f16 and back; overflows to infinity, as in hardware.
  half: `
fn half(x : f32) -> f32 {
  return select(unpack2x16float(pack2x16float(vec2<f32>(clamp(x, -65504.0, 65504.0), 0.0))).x, sign(x) * uniforms.INFINITY, abs(x) >= 65520.0);
}`
}

/** The functions that WGSL code calls, in order of definition. */
export function functionsFor(code: string): string {
  const wanted = code.includes('gelu(') ? `${code} errorFunction(` : code
  return Object.entries(functions)
    .filter(([name]) => wanted.includes(`${name}(`))
    .map(([, text]) => text)
    .join('')
}
