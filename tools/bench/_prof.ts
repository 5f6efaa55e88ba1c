import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { Mask } from '@sam/core'
import { frameOf } from '@sam/core/model'
const all = new Float32Array(readFileSync('/tmp/truck-masks.f32').buffer.slice(0))
const frame = frameOf({ width: 1800, height: 1200 }, 1024)
const s = new Session(); s.connect()
const post = (m: string, p?: object) => new Promise<any>((ok, no) => s.post(m as any, p as any, (e: any, r: any) => e ? no(e) : ok(r)))
const run = () => { for (let k = 0; k < 15; k++) { const m = new Mask({ lowResLogits: all.subarray(k * 65536, (k + 1) * 65536), frame, predictedIou: 1 }); m.bitmap() } }
for (let i = 0; i < 10; i++) run()
await post('Profiler.enable'); await post('Profiler.setSamplingInterval', { interval: 200 }); await post('Profiler.start')
for (let i = 0; i < 20; i++) run()
const { profile } = await post('Profiler.stop')
const self = new Map<string, number>(); const lines = new Map<string, number>()
for (const n of profile.nodes) { const k = n.callFrame.functionName; self.set(k, (self.get(k) ?? 0) + n.hitCount); for (const t of n.positionTicks ?? []) lines.set(`${k}:${t.line}`, (lines.get(`${k}:${t.line}`) ?? 0) + t.ticks) }
console.log([...self].sort((a, b) => b[1] - a[1]).slice(0, 10)); console.log([...lines].sort((a, b) => b[1] - a[1]).slice(0, 25))
