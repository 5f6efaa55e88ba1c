import type { Grid } from './flash.js'
import { f32, i32, type Program } from './program.js'

const queriesPerGroup = 64

/** Keys and values per tile: the most within every device's 16 KiB of workgroup memory at SAM's sizes. */
const keyStep = (window: number): number => Math.min(window, 14)

/** Bytes of workgroup memory: a tile of keys and one of values, and each query's relative positions. */
export const windowShared = (d: number, window: number): number =>
  8 * keyStep(window) * d + 8 * queriesPerGroup * window

/**
 * Windowed attention over a grid, directly from the qkv product: [B,H,W,3C] → [B,H,W,C].
 *
 * 1. Pad, partition, attend, unpartition, slice: five copies, and a fifth more tokens in the projections.
 * 2. Each workgroup locates its window's tokens. A key in the padding is the projection's bias, because the reference
 *    pads with zeros before the projection; such keys take part in the softmax. Relative positions are products with
 *    the checkpoint's tables.
 */
export function windowAttention(
  { batch, height, width, heads, d }: Grid,
  window: number
): { program: Program; flops: number } {
  const d4 = d / 4
  const keys = window * window
  const step = keyStep(window)
  const code = `
var<workgroup> keyTile : array<vec4<f32>, ${step * d4}>;
var<workgroup> valueTile : array<vec4<f32>, ${step * d4}>;
var<workgroup> relative : array<f32, ${queriesPerGroup * 2 * window}>;
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
  for (var c = 0; c < ${d4}; c++) { query[c] = qkv[token * pitch + h * ${d4} + c]; }
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
  }
  for (var c = 0; c < ${d4}; c++) { query[c] *= uniforms.scale; }
  var largest = -3.0e38;
  var total = 0.0;
  for (var key0 = 0; key0 < ${keys}; key0 += ${step}) {
    for (var i = t; i < ${step * d4}; i += ${queriesPerGroup}) {
      let key = key0 + i / ${d4};
      let ky = y0 + key / ${window};
      let kx = x0 + key % ${window};
      let at = (heads + h) * ${d4} + i % ${d4};
      if (ky < height && kx < width) {
        let source = (first + ky * width + kx) * pitch + at;
        keyTile[i] = qkv[source];
        valueTile[i] = qkv[source + heads * ${d4}];
      } else {
        keyTile[i] = border[at];
        valueTile[i] = border[at + heads * ${d4}];
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
      let score = products.x + products.y + products.z + products.w + relative[t * ${2 * window} + key / ${window}] + relative[t * ${2 * window} + ${window} + key % ${window}];
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
    name: 'window attention',
    code,
    components: 4,
    workgroup: [queriesPerGroup, 1, 1],
    inputs: [
      { name: 'qkv', components: 4 },
      { name: 'border', components: 4 },
      { name: 'rows', components: 4 },
      { name: 'columns', components: 4 }
    ],
    groups: [Math.ceil(keys / queriesPerGroup), heads, windows],
    shared: windowShared(d, window),
    uniforms: [i32('height', height), i32('width', width), i32('heads', heads), f32('scale', d ** -0.5)]
  }
  return { program, flops: 4 * windows * heads * keys * keys * d }
}
