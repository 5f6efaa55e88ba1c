/**
 * The tiled product of linear, matmul, conv2d and convTranspose2d: sums over k of a[row, k] · b[column, k].
 *
 * 1. One thread per element, both operands from memory: bound by bandwidth at 1 flop per byte.
 * 2. Tiles of both operands in workgroup memory, 8×8 sums per thread in registers: 16 shared vec4 reads per 256
 * multiply-adds.
 * 3. Both operands are k-major in vec4s along k, so the weight [out, in] is read as stored in the checkpoint, without a
 * transposed copy.
 * 4. Bias, activation and residual are applied to the sums in registers: saves three passes over the result.
 */
import { functionsFor } from './expression.js'
import { activations, type Epilogue } from './epilogue.js'
import { i32, type Binding, type Program, type Uniform } from './program.js'
import type { Tile } from './tile.js'

/** How a kernel reads four consecutive k of one row (of a) or column (of b). */
export interface Operand {
  readonly binding: Binding
  readonly uniforms: readonly Uniform[]
  /**
   * WGSL statements that set `v : vec4<f32>` from `batch`, `n` (row or column) and `k`, both inside. `v` starts as
   * zeros; `left` is how many of the four k exist.
   */
  readonly read: string
  /** Whether consecutive threads should read consecutive k (contiguous in memory), or consecutive rows. */
  readonly alongK: boolean
}

export interface Contraction {
  readonly name: string
  readonly batch: number
  readonly rows: number
  readonly columns: number
  readonly depth: number
  readonly a: Operand
  readonly b: Operand
  readonly tile: Tile
  /** Index into `bias` for the result at `row`, `column`; absent: no bias. */
  readonly bias?: string | undefined
  readonly epilogue: Epilogue
  /** WGSL expression of the result's index from `batch`, `row`, `column`. Default: row by row. */
  readonly store?: string | undefined
  readonly uniforms?: readonly Uniform[]
}

/** The program. Inputs in order: a, b, then bias and residual, if any. */
export function contraction({
  name,
  batch,
  rows,
  columns,
  depth,
  a,
  b,
  tile,
  bias,
  epilogue,
  store,
  uniforms = []
}: Contraction): Program {
  const [tx, ty] = tile.threads
  const [ex, ey] = tile.each
  const [tileRows, tileColumns, tileDepth] = [ty * ey, tx * ex, tile.depth / 4]
  const divides = depth % tile.depth === 0
  // One additional row avoids bank conflicts of k-major columns.
  const [pitchA, pitchB] = [tileRows + 1, tileColumns + 1]
  const load = (
    operand: Operand,
    { shared, count, pitch, first, last }: { shared: string; count: number; pitch: number; first: string; last: string }
  ): string => `
    for (var i = t; i < ${count * tileDepth}; i += ${tx * ty}) {
      let r = ${operand.alongK ? `i / ${tileDepth}` : `i % ${count}`};
      let q = ${operand.alongK ? `i % ${tileDepth}` : `i / ${count}`};
      let n = min(${first} + r, ${last} - 1);
      let k = k0 + q * 4;
      var v = vec4<f32>(0.0);
      ${divides ? 'let left = 4;' : 'let left = uniforms.depth - k;'}
      ${divides ? '{' : 'if (left > 0) {'} ${operand.read} }
      ${shared}[q * ${pitch} + r] = v;
    }`
  const finish = [
    bias === undefined ? '' : `v += bias[${bias}];`,
    epilogue.activation ? activations[epilogue.activation] : '',
    epilogue.residual ? 'v += residual[at];' : ''
  ].join(' ')
  const single = (binding: string): Binding => ({ name: binding, components: 1 })
  const code = `
var<workgroup> tileA : array<vec4<f32>, ${pitchA * tileDepth}>;
var<workgroup> tileB : array<vec4<f32>, ${pitchB * tileDepth}>;
fn main() {
  let batch = i32(workgroupId.z);
  let row0 = i32(workgroupId.y) * ${tileRows};
  let column0 = i32(workgroupId.x) * ${tileColumns};
  let t = i32(localIndex);
  let x = i32(localId.x);
  let y = i32(localId.y);
  var sums : array<array<f32, ${ex}>, ${ey}>;
  for (var k0 = 0; k0 < uniforms.depth; k0 += ${tile.depth}) {${load(a, {
    shared: 'tileA',
    count: tileRows,
    pitch: pitchA,
    first: 'row0',
    last: 'uniforms.rows'
  })}${load(b, { shared: 'tileB', count: tileColumns, pitch: pitchB, first: 'column0', last: 'uniforms.columns' })}
    workgroupBarrier();
    for (var q = 0; q < ${tileDepth}; q++) {
      var right : array<vec4<f32>, ${ex}>;
      for (var j = 0; j < ${ex}; j++) { right[j] = tileB[q * ${pitchB} + j * ${tx} + x]; }
      for (var i = 0; i < ${ey}; i++) {
        let left = tileA[q * ${pitchA} + y * ${ey} + i];
        for (var j = 0; j < ${ex}; j++) { sums[i][j] += dot(left, right[j]); }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0; i < ${ey}; i++) {
    let row = row0 + y * ${ey} + i;
    if (row < uniforms.rows) {
      for (var j = 0; j < ${ex}; j++) {
        let column = column0 + j * ${tx} + x;
        if (column < uniforms.columns) {
          let at = ${store ?? '(batch * uniforms.rows + row) * uniforms.columns + column'};
          var v = sums[i][j];
          ${finish}
          result[at] = v;
        }
      }
    }
  }
}`
  return {
    name,
    components: 1,
    workgroup: [tx, ty, 1],
    groups: [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows), batch],
    inputs: [
      a.binding,
      b.binding,
      ...(bias === undefined ? [] : [single('bias')]),
      ...(epilogue.residual ? [single('residual')] : [])
    ],
    uniforms: [
      i32('rows', rows),
      i32('columns', columns),
      i32('depth', depth),
      ...a.uniforms,
      ...b.uniforms,
      ...uniforms
    ],
    shared: 16 * tileDepth * (pitchA + pitchB),
    code: functionsFor(finish) + code
  }
}

/** An operand with one stride each for batch, row and k. */
export function strided(
  name: string,
  { batch, row, k, offset, depth }: { batch: number; row: number; k: number; offset: number; depth: number }
): Operand {
  const uniforms = [i32(`${name}At`, offset), i32(`${name}Batch`, batch), i32(`${name}Row`, row), i32(`${name}Step`, k)]
  const start = `uniforms.${name}At + batch * uniforms.${name}Batch + n * uniforms.${name}Row`
  if (k === 1 && [offset, batch, row, depth].every(v => v % 4 === 0)) {
    return { binding: { name, components: 4 }, uniforms, alongK: true, read: `v = ${name}[(${start} + k) / 4];` }
  }
  const each = [0, 1, 2, 3].map(e => `if (${e} < left) { v[${e}] = ${name}[at + ${e} * uniforms.${name}Step]; }`)
  return {
    binding: { name, components: 1 },
    uniforms,
    alongK: k === 1,
    read: `let at = ${start} + k * uniforms.${name}Step; ${each.join(' ')}`
  }
}

/** A weight [columns, depth] packed as f16, two per i32: half the memory, full-precision sums. */
export const packedHalves = (name: string, depth: number): Operand => ({
  binding: { name, components: 2 },
  uniforms: [i32(`${name}Row`, depth)],
  alongK: true,
  read: `let w = bitcast<vec2<u32>>(${name}[(n * uniforms.${name}Row + k) / 4]); v = vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`
})
