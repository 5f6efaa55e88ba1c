// Peak memory of one model, in a process of its own, on the built packages: node tools/bench/memory.js CHECKPOINT.
// JavaScript, because running from source would load a bundler into the process.
import { readFileSync } from 'node:fs'
import { cpu } from '@sam/backend-cpu'
import { loadSam } from '@sam/core'

// The high-water mark of this process alone; getrusage's starts at the parent's size.
const peakBytes = () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

const backend = await cpu()
const start = performance.now()
const sam = await loadSam({ weights: process.argv[2], backend })
const image = await sam.encode({ width: 1024, height: 683, data: new Uint8Array(1024 * 683 * 3).fill(120) })
const encodePeak = peakBytes()
await image.predict({ points: [{ x: 500, y: 300 }] })
const firstMask = (performance.now() - start) / 1000
console.log(JSON.stringify({ encodePeak, peak: peakBytes(), firstMask }))
image.dispose()
await sam.dispose()
backend.dispose()
