// Evaluates text prompts on held-out scenes: node tools/run.js research/tiny/tools/text.ts [--clip FOLDER] [--sam FILE]
// [--phrases 300] [--seed 9001] [--simple SHARE] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { loadClip } from '@sam/clip'
import { loadSam } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { scenes } from '@sam/scenes'
import { evaluateText } from '../src/eval/text.js'
import { textTable } from '../src/eval/text-table.js'

const { values } = parseArgs({
  options: {
    sam: { type: 'string' },
    clip: { type: 'string' },
    out: { type: 'string' },
    phrases: { type: 'string', default: '300' },
    seed: { type: 'string', default: '9001' },
    simple: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' }
  }
})
const backend = await cpu({ threads: Number(values.threads) })
const { automatic, clip: own } = tinyModel()
const clip = await loadClip({ ...own, ...(values.clip !== undefined && { model: values.clip }), backend })
const sam = await loadSam({ weights: values.sam ?? tinyModel().weights, backend, text: clip })
const result = await evaluateText({
  sam,
  clip,
  data: scenes({ size: 256, seed: Number(values.seed), simple: Number(values.simple) }),
  phrases: Number(values.phrases),
  automatic,
  onProgress: done => {
    if (done % 10 === 0) process.stderr.write(`\r${done} of ${values.phrases} phrases`)
  }
})
process.stderr.write('\n')
const table = textTable(result)
console.log(table)
if (values.out) {
  mkdirSync(values.out, { recursive: true })
  writeFileSync(
    join(values.out, 'text.json'),
    `${JSON.stringify({ seed: Number(values.seed), crop: own.crop, background: own.background, ...result }, null, 2)}\n`
  )
  writeFileSync(join(values.out, 'text.md'), table)
}
await sam.dispose()
await clip.dispose()
backend.dispose()
process.exit(0)
