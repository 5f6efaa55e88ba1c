/** Peak memory of one model, in a process that does nothing else: node tools/run.js tools/bench/memory.ts vit_h */
import { configs, loadSam } from '@sam/core'
import { cpu } from '@sam/backend-cuda'
import { hashCheckpoint } from '../checkpoint.js'

const config = configs[process.argv[2]]
const checkpoint = await hashCheckpoint(config)
const backend = await cpu()
const start = performance.now()
const sam = await loadSam({ weights: checkpoint, backend })
const image = await sam.encode({ width: 1024, height: 683, data: new Uint8Array(1024 * 683 * 3).fill(120) })
const encodePeak = process.resourceUsage().maxRSS * 1024
await image.predict({ points: [{ x: 500, y: 300 }] })
const firstMask = (performance.now() - start) / 1000
console.log(JSON.stringify({ encodePeak, peak: process.resourceUsage().maxRSS * 1024, firstMask }))
image.dispose()
await sam.dispose()
backend.dispose()
