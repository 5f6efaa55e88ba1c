import type { View } from '../view.js'
import { f32, i32, perElement, type Binding, type Program, type Uniform } from './program.js'

/** Bias added to the scores. Views are [B, heads, queries, …]. */
export type Bias =
  | { readonly kind: 'none' }
  | { readonly kind: 'mask'; readonly mask: View }
  | { readonly kind: 'grid'; readonly rows: View; readonly columns: View }

export interface Flash {
  /** [B, heads, queries, d] */
  readonly q: View
  /** [B, heads, keys, d] */
  readonly k: View
  /** [B, heads, keys, width] */
  readonly v: View
  readonly bias: Bias
  readonly scale: number
  /** Channels of a value. */
  readonly width: number
}

const queriesPerGroup = 64

/**
 * softmax(scale·q·kᵀ + bias)·v, written as [B, queries, heads, width].
 *
 * 1. Scores in memory: 768 MiB for a global layer of ViT-B, over every default limit.
 * 2. One thread per query, 16 keys and values at a time in workgroup memory, running maximum and sum in registers: only
 * the result is stored.
 * 3. Operands through strides: reads the qkv product or separate heads.
 * 4. Relative positions per tile: a row's term once for all its keys, no division per key.
 */
export function flash({ q, k, v, bias, scale, width }: Flash): { program: Program; flops: number } {
  const [batch, heads, queries, d] = q.shape as [number, number, number, number]
  const keys = k.shape[2]
  const [d4, w4] = [Math.ceil(d / 4), Math.ceil(width / 4)]
  const step = d4 + w4 > 32 ? 8 : 16
  const names = ['q', 'k', 'v', ...(bias.kind === 'none' ? [] : bias.kind === 'mask' ? ['mask'] : ['rows', 'columns'])]
  const views = [
    q,
    k,
    v,
    ...(bias.kind === 'none' ? [] : bias.kind === 'mask' ? [bias.mask] : [bias.rows, bias.columns])
  ]
  // Vector reads if four neighbours are contiguous in all of them.
  const vectors = views.map(
    (x, i) =>
      i < 3 &&
      x.shape[3] % 4 === 0 &&
      x.strides[3] === 1 &&
      [x.offset, ...x.strides.slice(0, 3)].every(n => n % 4 === 0)
  )
  const uniforms: Uniform[] = [
    i32('queries', queries),
    i32('keys', keys),
    i32('heads', heads),
    f32('scale', scale),
    ...(bias.kind === 'grid' ? [i32('side', bias.columns.shape[3])] : []),
    ...views.flatMap((x, i) => [i32(`${names[i]}At`, x.offset), i32(`${names[i]}Steps`, ...x.strides)])
  ]
  const start = (name: string, n?: string): string =>
    `uniforms.${name}At + b * uniforms.${name}Steps.x + h * uniforms.${name}Steps.y${n ? ` + ${n} * uniforms.${name}Steps.z` : ''}`
  const read = (i: number, { at, channel, size }: { at: string; channel: string; size: number }): string =>
    vectors[i]
      ? `${names[i]}[(${at}) / 4 + ${channel}]`
      : `vec4<f32>(${[0, 1, 2, 3].map(e => element(i, `${at} + (${channel} * 4 + ${e}) * uniforms.${names[i]}Steps.w`, { last: size % 4 === 0 ? undefined : `${channel} * 4 + ${e} < ${size}` })).join(', ')})`
  const element = (i: number, at: string, { last }: { last: string | undefined }): string =>
    last ? `select(0.0, ${names[i]}[${at}], ${last})` : `${names[i]}[${at}]`

  // A tile of keys within one row of the grid has one row bias and consecutive columns.
  const oneRow = bias.kind === 'grid' && bias.columns.shape[3] % step === 0
  const row = (key: string): string => `rows[rowStart + ${key} / uniforms.side * uniforms.rowsSteps.w]`
  const column = (key: string): string => `columns[columnStart + ${key} * uniforms.columnsSteps.w]`
  const biasStart = {
    none: '',
    mask: `let maskStart = ${start('mask', 'nc')};`,
    grid: `let rowStart = ${start('rows', 'nc')}; let columnStart = ${start('columns', 'nc')};`
  }[bias.kind]
  const tileBias = oneRow ? `let rowBias = ${row('key0')}; let column0 = key0 % uniforms.side;` : ''
  const biasOf = {
    none: '',
    mask: ' + mask[maskStart + (key0 + j) * uniforms.maskSteps.w]',
    grid: oneRow
      ? ` + rowBias + ${column('(column0 + j)')}`
      : ` + ${row('(key0 + j)')} + ${column('((key0 + j) % uniforms.side)')}`
  }[bias.kind]

  const code = `
var<workgroup> keyTile : array<vec4<f32>, ${step * d4}>;
var<workgroup> valueTile : array<vec4<f32>, ${step * w4}>;
fn main() {
  let b = i32(workgroupId.z);
  let h = i32(workgroupId.y);
  let t = i32(localIndex);
  let n = i32(workgroupId.x) * ${queriesPerGroup} + t;
  let nc = min(n, uniforms.queries - 1);
  let queryStart = ${start('q', 'nc')};
  ${biasStart}
  var query : array<vec4<f32>, ${d4}>;
  var sum : array<vec4<f32>, ${w4}>;
  for (var c = 0; c < ${d4}; c++) { query[c] = ${read(0, { at: 'queryStart', channel: 'c', size: d })} * uniforms.scale; }
  var largest = -3.0e38;
  var total = 0.0;
  for (var key0 = 0; key0 < uniforms.keys; key0 += ${step}) {
    for (var i = t; i < ${step * d4}; i += ${queriesPerGroup}) {
      let at = ${start('k', `min(key0 + i / ${d4}, uniforms.keys - 1)`)};
      keyTile[i] = ${read(1, { at: 'at', channel: `(i % ${d4})`, size: d })};
    }
    for (var i = t; i < ${step * w4}; i += ${queriesPerGroup}) {
      let at = ${start('v', `min(key0 + i / ${w4}, uniforms.keys - 1)`)};
      valueTile[i] = ${read(2, { at: 'at', channel: `(i % ${w4})`, size: width })};
    }
    workgroupBarrier();
    let here = min(${step}, uniforms.keys - key0);
    var scores : array<f32, ${step}>;
    var next = largest;
    ${tileBias}
    for (var j = 0; j < here; j++) {
      var products = vec4<f32>(0.0);
      for (var c = 0; c < ${d4}; c++) { products = fma(query[c], keyTile[j * ${d4} + c], products); }
      let score = products.x + products.y + products.z + products.w${biasOf};
      scores[j] = score;
      next = max(next, score);
    }
    let shrink = exp(largest - next);
    total *= shrink;
    for (var c = 0; c < ${w4}; c++) { sum[c] *= shrink; }
    for (var j = 0; j < here; j++) {
      let weight = exp(scores[j] - next);
      total += weight;
      for (var c = 0; c < ${w4}; c++) { sum[c] = fma(vec4<f32>(weight), valueTile[j * ${w4} + c], sum[c]); }
    }
    largest = next;
    workgroupBarrier();
  }
  if (n < uniforms.queries) {
    let out = ((b * uniforms.queries + n) * uniforms.heads + h) * ${width};
    for (var c = 0; c < ${width}; c++) { result[out + c] = sum[c / 4][c % 4] / total; }
  }
}`
  const inputs: Binding[] = names.map((name, i) => ({ name, components: vectors[i] ? 4 : 1 }))
  const program: Program = {
    name: 'flash attention',
    code,
    inputs,
    components: 1,
    workgroup: [queriesPerGroup, 1, 1],
    groups: [Math.ceil(queries / queriesPerGroup), heads, batch],
    uniforms,
    shared: 16 * step * (d4 + w4)
  }
  return { program, flops: 2 * batch * heads * queries * keys * (d + width) }
}

/** Sizes of a grid of tokens in a qkv product. */
export interface Grid {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly heads: number
  /** Channels of a head. */
  readonly d: number
}

/**
 * Every query's product with the table's entries for its distances to all rows, then all columns: [B·heads, tokens,
 * height + width]. The tables are those of the checkpoint, [2·side − 1, d]; q is unscaled. Meta:
 * image_encoder.py#add_decomposed_rel_pos.
 */
export function relativePositions({ batch, height, width, heads, d }: Grid): Program {
  const each = height + width
  const d4 = d / 4
  return {
    ...perElement('relative positions', {
      count: batch * heads * height * width * each,
      inputs: [
        { name: 'qkv', components: 4 },
        { name: 'rows', components: 4 },
        { name: 'columns', components: 4 }
      ],
      uniforms: [i32('height', height), i32('width', width), i32('heads', heads)],
      body: `
  let each = uniforms.height + uniforms.width;
  let tokens = uniforms.height * uniforms.width;
  let k = i % each;
  let token = i / each % tokens;
  let bh = i / each / tokens;
  let at = (((bh / uniforms.heads) * tokens + token) * 3 * uniforms.heads + bh % uniforms.heads) * ${d4};
  var sum = 0.0;
  if (k < uniforms.height) {
    let entry = (token / uniforms.width - k + uniforms.height - 1) * ${d4};
    for (var c = 0; c < ${d4}; c++) { sum += dot(qkv[at + c], rows[entry + c]); }
  } else {
    let entry = (token % uniforms.width - (k - uniforms.height) + uniforms.width - 1) * ${d4};
    for (var c = 0; c < ${d4}; c++) { sum += dot(qkv[at + c], columns[entry + c]); }
  }
  result[i] = sum;`
    })
  }
}
