import { cpu } from '@sam/backend-cuda'
import { scenes } from '../packages/train/src/data/scenes/scene.js'
import { tiny } from '../packages/train/src/recipes.js'
import { train } from '../packages/train/src/run.js'
const stop = new AbortController()
process.once('SIGINT', () => stop.abort()); process.once('SIGTERM', () => stop.abort())
const backend = await cpu({ memory: 'fast' })
let n = 0
await train({ recipe: tiny, data: scenes({ size: 256, seed: 1001 }), backend, folder: process.argv[2]!, saveEvery: Number(process.argv[3] ?? 100), signal: stop.signal,
  onStep: p => { if (n++ % 10 === 0) console.log(`${p.iteration} loss ${p.loss.toFixed(3)} iou ${p.firstIou.toFixed(3)} ${p.laterIou.toFixed(3)} norm ${p.gradientNorm.toFixed(2)} ${p.imagesPerSecond.toFixed(2)} img/s left ${(p.secondsLeft / 3600).toFixed(1)} h`) } })
backend.dispose()
