import { type SamConfig } from '@sam/core'
import { memoryWeights, nameOf, prepare } from '@sam/core/graph'
import { keeps, toOnnx } from '@sam/onnx'
import ort from 'onnxruntime-node'
import { readFileSync, writeFileSync } from 'node:fs'
import { stepGraph, embedGraph, answerGraph } from '../packages/train/src/step.js'
const [B, n, N, W, D, C] = process.argv.slice(2).map(Number) as [number, number, number, number, number, number]
const config: SamConfig = { name: 'tiny', imageSize: 256, imageEncoder: { patchSize: 16, width: W, depth: D, heads: W / 32, mlpRatio: 4, window: 8, globalBlocks: [2, 5] }, width: C, maskChannels: 16, decoder: { depth: 2, heads: 4, mlpWidth: 4*C, iouHiddenWidth: C, multimaskOutputs: 3 } }
const shape = { images: B, prompts: n, points: N }
const which = process.env.WHICH ?? 'step'
const g = which === 'embed' ? embedGraph(config, B) : which === 'answer' ? answerGraph(config, shape) : stepGraph(config, { shape, dropPath: 0, dropout: 0, clipNorm: 1, weightDecay: 0.1, layerDecay: 1, accumulate: 1, frozenEncoder: process.env.FROZEN === '1' })
const { every } = prepare(g, keeps, memoryWeights({}))
const m = await toOnnx(every, { weights: memoryWeights({}), sidePath: 'x', place: () => undefined })
writeFileSync('/tmp/train/step.onnx', m.model)
const s = await ort.InferenceSession.create(m.model, { enableProfiling: true, profileFilePrefix: '/tmp/train/prof', intraOpNumThreads: 2, executionProviders: ['cpu'], logSeverityLevel: 3 })
const feeds: Record<string, ort.Tensor> = {}
for (const v of every.inputs) { const name = nameOf(v)!; const sz = v.shape.reduce((a, b) => a * b, 1)
 feeds[m.inputs[name]] = v.dtype === 'i32' ? new ort.Tensor('int32', new Int32Array(sz).fill(1), v.shape) : new ort.Tensor('float32', Float32Array.from({ length: sz }, () => name.startsWith('adamw') ? 0 : name==='weight'||name==='returned'||name==='token_mask'||name==='correction' ? 1 : name === 'rate' ? 1e-4 : (Math.random() - 0.5) * 0.1), v.shape) }
for (let i = 0; i < 4; i++) { const t = performance.now(); await s.run(feeds); console.log(which, (performance.now() - t).toFixed(0)) }
const file = (s as never as { handler: unknown, endProfiling(): void }); file.endProfiling()
