/**
 * `npm run verify:roboflow -- [--venv FOLDER]`: Roboflow's real inference SDK from PyPI asks this server for masks, as
 * RLE and as outlines; they are those of our SDK.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Mask, type CocoRle } from '@sam/core'
import { virtualEnvironment } from './python.js'
import { servedSam, token } from './served-sam.js'

const version = '1.8.3'
const { values } = parseArgs({
  options: { venv: { type: 'string', default: join(tmpdir(), `sam-roboflow-${version}`) } }
})
const bin = virtualEnvironment(values.venv, [`inference-sdk==${version}`])

const { sam, start } = await servedSam()
const { server, url } = await start()
const photo = await readFile('apps/cli/assets/coffee.jpg')

const script = `
import json, sys
from inference_sdk import InferenceConfiguration, InferenceHTTPClient
url, token = sys.argv[1:]
client = InferenceHTTPClient(api_url=url, api_key=token)
client.configure(InferenceConfiguration(api_key_transport="header"))
photo = sys.stdin.read()
prompts = [
    {"points": [{"x": 290, "y": 150, "positive": True}]},
    {"points": [{"x": 100, "y": 350, "positive": False}], "box": {"x": 310, "y": 185, "width": 320, "height": 290}},
]
json.dump([client.sam2_segment_image(photo, prompts=prompts, mask_input_format=f) for f in ("rle", "json")], sys.stdout)
`
const child = spawn(join(bin, 'python'), ['-c', script, url, token], { stdio: ['pipe', 'pipe', 'inherit'] })
child.stdin.end(photo.toString('base64'))
const [out] = await Promise.all([text(child.stdout), once(child, 'exit')])
interface Found<T> {
  readonly predictions: readonly { readonly masks: T; readonly confidence: number }[]
}
const [rle, outlines] = JSON.parse(out) as [Found<CocoRle>, Found<[number, number][][]>]

const image = await sam.encode(new Uint8Array(photo))
const { width, height } = image
const wanted = await image.predict(
  [{ points: [{ x: 290, y: 150 }] }, { points: [{ x: 100, y: 350, label: 'background' }], box: [150, 40, 470, 330] }],
  { multimask: true }
)
let failures = 0
for (const [i, what] of ['a click', 'a click on the background, with a box'].entries()) {
  const [mask] = wanted[i].masks
  const filled = Mask.fromPolygons(
    outlines.predictions[i].masks.map(ring => [[...ring, ring[0]]]),
    { width, height }
  )
  const ious = [Mask.from(rle.predictions[i].masks).iou(mask), filled.iou(mask)]
  const good = ious[0] === 1 && ious[1] > 0.99 // outlines have no holes
  console.log(
    `${good ? 'ok  ' : 'FAIL'} ${what}: IoU with the SDK's mask ${ious[0].toFixed(4)}, outlines ${ious[1].toFixed(4)}`
  )
  if (!good) failures++
}
await server.close({ grace: 0 })
process.exit(failures ? 1 : 0)
