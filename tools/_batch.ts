import { cpu } from '@sam/backend-cpu'
import { configs } from '@sam/core'
import { encodeImage } from '@sam/core/model'
import { CompiledGraphs, f32, paramsOf, nameOf, memoryWeights, sizeOf } from '@sam/core/graph'
import { mobileModel } from '@sam/model-mobile'
const which = process.argv[2] ?? 'mobile'
const sizes = (process.argv[3] ?? '1,2,4').split(',').map(Number)
const rounds = Number(process.argv[4] ?? 4)
const config = which === 'mobile' ? configs.mobile_sam : configs.vit_b
const backend = await cpu()
const build = (images: number) => encodeImage(config, { images })
const rand = (n: number, s: number) => { let x = 1 + s; return Float32Array.from({ length: n }, () => { x = (x * 1103515245 + 12345) & 0x7fffffff; return (x / 0x7fffffff - 0.5) }) }
const weights = which === 'mobile' ? (await mobileModel()).weights : memoryWeights(Object.fromEntries(paramsOf(build(1)).map((p, i) => [nameOf(p)!, f32(p.shape, rand(sizeOf(p.shape), i).map(v => v * 0.05))])))
const graphs = new CompiledGraphs('bench', backend, weights)
const S = config.imageSize
const most = Math.max(...sizes)
const pixels = rand(most * 3 * S * S, 7)
const run = async (b: number) => {
  const e = await graphs.get(`b${b}`, () => build(b))
  const t = performance.now()
  const out = await e.run({ image: f32([b, 3, S, S], pixels.slice(0, b * 3 * S * S)) })
  const emb = await out.image_embedding.read()
  const ms = performance.now() - t
  out.image_embedding.dispose()
  return { ms: ms / b, data: emb.data as Float32Array }
}
const first: Record<number, Float32Array> = {}
for (const b of sizes) first[b] = (await run(b)).data
for (const b of sizes) { let d = 0; const n = first[1].length; for (let i = 0; i < n; i++) d = Math.max(d, Math.abs(first[b][i] - first[1][i])); console.log(which, 'batch', b, 'max diff image0', d, 'rss', Math.round(process.memoryUsage().rss / 1e6)) }
const times: Record<number, number[]> = Object.fromEntries(sizes.map(b => [b, []]))
for (let r = 0; r < rounds; r++) for (const b of sizes) times[b].push((await run(b)).ms)
for (const b of sizes) { const t = times[b].sort((x, y) => x - y); console.log(which, 'batch', b, 'ms/image min', t[0].toFixed(0), 'median', t[t.length >> 1].toFixed(0)) }
const ratio = (b: number) => times[b]
await graphs.dispose(); backend.dispose(); process.exit(0)
