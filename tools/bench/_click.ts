import { readFileSync } from 'node:fs'
import { Mask } from '@sam/core'
import { frameOf } from '@sam/core/model'
const all = new Float32Array(readFileSync('/tmp/truck-masks.f32').buffer.slice(0))
const frame = frameOf({ width: 1800, height: 1200 }, 1024)
const rounds = Number(process.argv[2] ?? 40)
const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
for (let click = 0; click < 5; click++) {
  const fresh = (copy = false) => [0, 1, 2].map(k => new Mask({ lowResLogits: all.subarray((click * 3 + k) * 65536, (click * 3 + k + 1) * 65536), frame: copy ? { ...frame } : frame, predictedIou: 1 }))
  const times: Record<string, number[]> = {}
  const time = (name: string, f: () => void) => { const c = cpuMs(), t = performance.now(); f(); const w = performance.now() - t; (times[name] ??= []).push(w); (times[name + ' cpu'] ??= []).push(cpuMs() - c) }
  let areas: number[] = []
  for (let i = 0; i < rounds; i++) {
    const [a, b, c, d] = [fresh(), fresh(), fresh(), fresh(true)]
    time('bitmap+area+box', () => { for (const m of a) { m.bitmap(); m.area; m.boxXyxy } })
    time('area+box+bitmap', () => { for (const m of c) { m.area; m.boxXyxy; m.bitmap() } })
    time('area+box', () => { for (const m of b) { m.area; m.boxXyxy } })
    time('new frame', () => { for (const m of d) { m.area; m.boxXyxy } })
    areas = a.map(m => m.area)
  }
  console.log(areas.join(' '))
  for (const [n, t] of Object.entries(times)) { t.sort((p, q) => p - q); console.log('  ', n.padEnd(22), 'min', t[0].toFixed(2), 'median', t[t.length >> 1].toFixed(2)) }
}
