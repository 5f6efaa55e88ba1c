import { writeFileSync } from 'node:fs'
import { scenes } from '../packages/train/src/data/scenes/scene.js'
import sharp from 'sharp'
const S = 256, cols = 4, rows = 3
const ds = scenes({ size: S, seed: Number(process.argv[2] ?? 1) })
const out = new Uint8Array(cols * 2 * S * rows * S * 3).fill(128)
let t = 0, n = 0, lv: Record<string, number> = {}
for (let i = 0; i < cols * rows; i++) {
  const t0 = process.cpuUsage().user; const s = await ds.read(i); t += (process.cpuUsage().user - t0) / 1000; n += s.truths.length
  s.truths.forEach(x => lv[x.level!] = (lv[x.level!] ?? 0) + 1)
  const ox = (i % cols) * 2 * S, oy = Math.floor(i / cols) * S
  const { width, height, data } = s.image
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) {
    out[((oy + y) * cols * 2 * S + ox + x) * 3 + c] = data[(y * width + x) * 3 + c]!
    let v = 30; s.truths.forEach((m, k) => { if (m.mask[y * width + x]) v = ((k + 1) * (c === 0 ? 97 : c === 1 ? 57 : 151)) % 200 + 55 })
    out[((oy + y) * cols * 2 * S + ox + S + x) * 3 + c] = v
  }
}
await sharp(out, { raw: { width: cols * 2 * S, height: rows * S, channels: 3 } }).png().toFile('/tmp/train/sheet.png')
console.log((t / 12).toFixed(1), 'ms/scene', n / 12, 'truths', lv); const s0 = await ds.read(1); console.log(s0.truths.map(x => x.level + ' ' + x.parent + ': ' + x.caption))
