import { tinyTest, type SamConfig } from '@sam/core'
import { memoryWeights, nameOf, f32, full, type HostTensor, type DeviceTensor } from '@sam/core/graph'
import { cpu } from '@sam/backend-cuda'
import { stepGraph, embedGraph, answerGraph } from '../packages/train/src/step.js'
const [B, n, N, W, D, C] = process.argv.slice(2).map(Number) as [number, number, number, number, number, number]
const config: SamConfig = { name: 'tiny', imageSize: 256, imageEncoder: { patchSize: 16, width: W, depth: D, heads: W / 32, mlpRatio: 4, window: 8, globalBlocks: [2, 5] }, width: C, maskChannels: 16, decoder: { depth: 2, heads: 4, mlpWidth: 4*C, iouHiddenWidth: C, multimaskOutputs: 3 } }
const shape = { images: B, prompts: n, points: N }
console.time('build')
const g = stepGraph(config, { shape, dropPath: 0, dropout: 0, clipNorm: 1, weightDecay: 0.1, layerDecay: 1, accumulate: 1, frozenEncoder: process.env.FROZEN === '1' })
console.timeEnd('build')
const be = await cpu({ memory: 'fast' , ...(process.env.OPEN ? {open: 'all' as const} : {})})
console.time('compile')
const exe = await be.compile(g, memoryWeights({}))
console.timeEnd('compile')
const feeds: Record<string, HostTensor | DeviceTensor> = {}
let params = 0
for (const v of g.inputs) { const name = nameOf(v)!; feeds[name] = v.dtype === 'i32' ? full('i32', v.shape, 1) : f32(v.shape, Float32Array.from({ length: v.shape.reduce((a, b) => a * b, 1) }, () => name.startsWith('adamw') ? 0 : name==='weight'||name==='returned'||name==='token_mask'||name==='correction' ? 1 : name === 'rate' ? 1e-4 : (Math.random() - 0.5) * 0.1))
 if (g.outputs[name] && !name.startsWith('adamw')) params += feeds[name].shape.reduce((a,b)=>a*b,1) }
console.log('params', params, 'nodes', Object.keys(g.outputs).length)
for (let i = 0; i < 5; i++) {
  const t = performance.now()
  const out = await exe.run(feeds)
  for (const [name, v] of Object.entries(out)) if (name in feeds) { const old = feeds[name]; feeds[name] = v; if ('dispose' in old) old.dispose() } else if (name !== 'loss') v.dispose()
  const loss = (await out.loss.read()).data[0]; out.loss.dispose()
  console.log('step', (performance.now() - t).toFixed(0), 'ms', loss)
}
for (const [label, h] of [['embed', embedGraph(config, B)], ['answer', answerGraph(config, { ...shape, prompts: Number(process.env.OBJ ?? 4) })]] as const) {
  const e = await be.compile(h, memoryWeights({}))
  const fd = Object.fromEntries(h.inputs.map(v => [nameOf(v)!, feeds[nameOf(v)!] && `${feeds[nameOf(v)!].shape}` === `${v.shape}` ? feeds[nameOf(v)!] : full(v.dtype, v.shape, 0)]))
  for (let i = 0; i < 3; i++) { const t = performance.now(); const o = await e.run(fd); Object.values(o).forEach(x => x.dispose()); console.log(label, (performance.now() - t).toFixed(0)) }
}
console.log('rss', (process.memoryUsage().rss / 1e6).toFixed(0), 'MB', process.resourceUsage().maxRSS / 1e3)
process.exit(0)
