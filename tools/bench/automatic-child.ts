/**
 * Run by automatic.ts: automatic masks from an embedding, with the protocol of torch_automatic.py.
 * automatic-child.ts THREADS CHECKPOINT EMBEDDING
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { loadSam } from '@sam/core'
import { cpu } from '@sam/backend-cpu'

const [, , threads, weights, file] = process.argv
const sam = await loadSam({ weights, backend: await cpu({ threads: Number(threads) }) })
const image = await sam.load(new Uint8Array(readFileSync(file)))
await image.predict({ points: [{ x: 1, y: 1 }] })

const status = (name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1e3

for await (const line of createInterface({ input: process.stdin })) {
  writeFileSync('/proc/self/clear_refs', '5')
  const [before, started] = [status('VmRSS'), performance.now()]
  const masks = await image.generateMasks(JSON.parse(line) as object)
  for (const { mask } of masks) mask.bitmap({ keep: false }) // Meta's class returns bitmaps
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({ seconds, masks: masks.length, megabytes: status('VmHWM') - before }))
}
