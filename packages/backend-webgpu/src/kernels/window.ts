import type { Grid } from './flash.js'
import { f32, i32, type Binding, type Program } from './program.js'

const queriesPerGroup = 64

/** Keys and values per tile: the most within every device's 16 KiB of workgroup memory at SAM's sizes. */
const keyStep = (window: number): number => Math.min(window, 14)

/** Bytes of workgroup memory: a tile of keys and one of values, and what the form keeps beside them. */
export const windowShared = (d: number, window: number, form: WindowForm): number =>
  8 * keyStep(window) * d + form.sharedBytes(window)

/** Where q, k and v of a head lie in a row of the qkv product, and what is added to the scores. */
export interface WindowForm {
  readonly name: string
  /** WGSL: the vec4 of a row where q (0), k (1) or v (2) of head `h` begins. */
  readonly part: (which: 0 | 1 | 2, d4: number) => string
  /** Inputs after `qkv` and `border`. */
  readonly inputs: readonly Binding[]
  readonly sharedBytes: (window: number) => number
  readonly declare: (window: number) => string
  /** WGSL before the keys: `query` is not yet scaled; `n`, `y`, `x` are the query's place in its window. */
  readonly prepare: (window: number, d4: number) => string
  /** WGSL of what is added to the score of `key`, the key's place in the window. */
  readonly bias: (window: number) => string
}

/** SAM's ViT: all q, all k, all v; relative positions are products of q with the checkpoint's tables. */
export const relativeForm: WindowForm = {
  name: 'window attention',
  part: (which, d4) => `(${which} * heads + h) * ${d4}`,
  inputs: [
    { name: 'rows', components: 4 },
    { name: 'columns', components: 4 }
  ],
  sharedBytes: window => 8 * queriesPerGroup * window,
  declare: window => `var<workgroup> relative : array<f32, ${queriesPerGroup * 2 * window}>;`,
  prepare: (window, d4) => `
  if (inside) {
    for (var k = 0; k < ${window}; k++) {
      var byRow = 0.0;
      var byColumn = 0.0;
      let row = (y - k + ${window - 1}) * ${d4};
      let column = (x - k + ${window - 1}) * ${d4};
      for (var c = 0; c < ${d4}; c++) { byRow += dot(query[c], rows[row + c]); byColumn += dot(query[c], columns[column + c]); }
      relative[t * ${2 * window} + k] = byRow;
      relative[t * ${2 * window} + ${window} + k] = byColumn;
    }
  }`,
  bias: window =>
    `relative[t * ${2 * window} + key / ${window}] + relative[t * ${2 * window} + ${window} + key % ${window}]`
}

/** TinyViT: q, k, v of one head after the other; a bias for each pair of places. */
export const biasForm: WindowForm = {
  name: 'window attention with bias',
  part: (which, d4) => `(3 * h + ${which}) * ${d4}`,
  inputs: [{ name: 'bias', components: 1 }],
  sharedBytes: () => 0,
  declare: () => '',
  prepare: window => `let biasAt = (h * ${window ** 2} + min(n, ${window ** 2 - 1})) * ${window ** 2};`,
  bias: () => 'bias[biasAt + key]'
}

/**
 * Windowed attention over a grid, directly from the qkv product: [B,H,W,3C] → [B,H,W,C].
 *
 * 1. Pad, partition, attend, unpartition, slice: five copies, and a fifth more tokens in the projections.
 * 2. Each workgroup finds its window's tokens itself; a key outside the grid is the projection's bias, because the
 * reference pads with
 *    zeros before the projection, and such keys count in the softmax.
 */
export function windowAttention(
  { batch, height, width, heads, d }: Grid,
  { window, form }: { window: number; form: WindowForm }
): { program: Program; flops: number } {
  const d4 = d / 4
  const keys = window * window
  const step = keyStep(window)
  const code = `
var<workgroup> keyTile : array<vec4<f32>, ${step * d4}>;
var<workgroup> valueTile : array<vec4<f32>, ${step * d4}>;
${form.declare(window)}
fn main() {
  let height = uniforms.height; let width = uniforms.width; let heads = uniforms.heads;
  let across = (width + ${window - 1}) / ${window};
  let down = (height + ${window - 1}) / ${window};
  let h = i32(workgroupId.y);
  let index = i32(workgroupId.z) % (across * down);
  let first = i32(workgroupId.z) / (across * down) * height * width;
  let y0 = index / across * ${window};
  let x0 = index % across * ${window};
  let pitch = 3 * heads * ${d4};
  let t = i32(localIndex);
  let n = i32(workgroupId.x) * ${queriesPerGroup} + t;
  let y = n / ${window};
  let x = n % ${window};
  let inside = n < ${keys} && y0 + y < height && x0 + x < width;
  let token = first + select(0, (y0 + y) * width + x0 + x, inside);
  var query : array<vec4<f32>, ${d4}>;
  var sum : array<vec4<f32>, ${d4}>;
  for (var c = 0; c < ${d4}; c++) { query[c] = qkv[token * pitch + ${form.part(0, d4)} + c]; }
  ${form.prepare(window, d4)}
  for (var c = 0; c < ${d4}; c++) { query[c] *= uniforms.scale; }
  var largest = -3.0e38;
  var total = 0.0;
  for (var key0 = 0; key0 < ${keys}; key0 += ${step}) {
    for (var i = t; i < ${step * d4}; i += ${queriesPerGroup}) {
      let key = key0 + i / ${d4};
      let ky = y0 + key / ${window};
      let kx = x0 + key % ${window};
      let keyAt = ${form.part(1, d4)} + i % ${d4};
      let valueAt = ${form.part(2, d4)} + i % ${d4};
      if (ky < height && kx < width) {
        let source = (first + ky * width + kx) * pitch;
        keyTile[i] = qkv[source + keyAt];
        valueTile[i] = qkv[source + valueAt];
      } else {
        keyTile[i] = border[keyAt];
        valueTile[i] = border[valueAt];
      }
    }
    workgroupBarrier();
    let here = min(${step}, ${keys} - key0);
    var scores : array<f32, ${step}>;
    var next = largest;
    for (var j = 0; j < here; j++) {
      var products = vec4<f32>(0.0);
      for (var c = 0; c < ${d4}; c++) { products = fma(query[c], keyTile[j * ${d4} + c], products); }
      let key = key0 + j;
      let score = products.x + products.y + products.z + products.w + ${form.bias(window)};
      scores[j] = score;
      next = max(next, score);
    }
    let shrink = exp(largest - next);
    total *= shrink;
    for (var c = 0; c < ${d4}; c++) { sum[c] *= shrink; }
    for (var j = 0; j < here; j++) {
      let weight = exp(scores[j] - next);
      total += weight;
      for (var c = 0; c < ${d4}; c++) { sum[c] = fma(vec4<f32>(weight), valueTile[j * ${d4} + c], sum[c]); }
    }
    largest = next;
    workgroupBarrier();
  }
  if (inside) {
    let out = token * heads * ${d4} + h * ${d4};
    for (var c = 0; c < ${d4}; c++) { result[out + c] = sum[c] / total; }
  }
}`
  const windows = batch * Math.ceil(height / window) * Math.ceil(width / window)
  const program: Program = {
    name: form.name,
    code,
    components: 4,
    workgroup: [queriesPerGroup, 1, 1],
    inputs: [{ name: 'qkv', components: 4 }, { name: 'border', components: 4 }, ...form.inputs],
    groups: [Math.ceil(keys / queriesPerGroup), heads, windows],
    shared: windowShared(d, window, form),
    uniforms: [i32('height', height), i32('width', width), i32('heads', heads), f32('scale', d ** -0.5)]
  }
  return { program, flops: 4 * windows * heads * keys * keys * d }
}
