import { scenes } from '../packages/train/src/data/scenes/scene.js'
const ds = scenes({ size: 256, seed: 5 })
for (let k = 0; k < 3; k++) { const t0 = process.cpuUsage().user; let n = 0; for (let i = 0; i < 40; i++) n += (await ds.read(k * 40 + i)).truths.length; console.log(((process.cpuUsage().user - t0) / 1000 / 40).toFixed(1), 'ms cpu/scene', n / 40) }
process.exit(0)
