/**
 * `npm run verify:cvat -- [--venv FOLDER]`: the real `cvat-sdk` and `cvat-cli` from PyPI with this server. CVAT's own
 * server needs Docker and a dozen services, so a stub is in its place: it answers what CVAT's server answers to these
 * clients, and forwards calls of an interactor as its lambda manager does. Checked are
 * - the interactor, called through the SDK's client: the mask that its helpers encode and decode is that of our SDK;
 * - the agent of `cvat-cli` with the function in apps/server/cvat: it registers, fetches the frame, and completes the
 *   requests with masks of the same kind, also after the server has lost the image.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json as readJson, text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Mask, type Box, type Prompt } from '@sam/core'
import { command, virtualEnvironment } from './python.js'
import { servedSam, token } from './served-sam.js'

const version = '2.80.0'
const { values } = parseArgs({ options: { venv: { type: 'string', default: join(tmpdir(), `sam-cvat-${version}`) } } })
const bin = virtualEnvironment(values.venv, [`cvat-sdk[masks]==${version}`, `cvat-cli==${version}`])
const python = (script: string, input: unknown, args: readonly string[] = []): unknown =>
  JSON.parse(command(join(bin, 'python'), ['-c', script, ...args], JSON.stringify(input)))

const { sam, start } = await servedSam()
let { server, url } = await start()

const photo = await readFile('apps/cli/assets/coffee.jpg')
const image = await sam.encode(new Uint8Array(photo))
const { width, height } = image

/** What a user of CVAT draws: clicks, and corners of a box. */
interface Drawn {
  readonly pos_points: readonly [number, number][]
  readonly neg_points: readonly [number, number][]
  readonly obj_bbox: readonly [number, number][]
}
const drawings: Readonly<Record<string, Drawn>> = {
  'a click': { pos_points: [[290, 150]], neg_points: [], obj_bbox: [] },
  'two clicks and a box': {
    pos_points: [[290, 150]],
    neg_points: [[100, 350]],
    obj_bbox: [
      [150, 40],
      [470, 330]
    ]
  }
}
const promptOf = ({ pos_points, neg_points, obj_bbox }: Drawn): Prompt => ({
  points: [
    ...pos_points.map(([x, y]) => ({ x, y })),
    ...neg_points.map(([x, y]) => ({ x, y, label: 'background' as const }))
  ],
  ...(obj_bbox.length && { box: obj_bbox.flat() as unknown as Box })
})

// ── The stub of CVAT's server ────────────────────────────────────────────────────────────────────────────────────────

interface Shape {
  readonly type: string
  readonly points: readonly number[]
  readonly attributes: readonly { readonly spec_id: number; readonly value: string }[]
}
interface NuclioFunction {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> }
  readonly spec: { readonly description: string }
}
type Body = Readonly<Record<string, unknown>>

const task = {
  id: 1,
  name: 'task',
  size: 1,
  data_chunk_size: 1,
  data_original_chunk_type: 'imageset',
  organization: null,
  organization_id: null
}
const label = { id: 7, name: 'cup', type: 'mask', attributes: [] }
const now = new Date().toISOString()
const waiting = Object.keys(drawings)
const completed = new Map<string, readonly Shape[]>()
let registered: Body = {}

const nuclio = async <T>(path: string, headers: Readonly<Record<string, string>> = {}, body?: object): Promise<T> => {
  const response = await fetch(`${url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: body ? JSON.stringify(body) : null
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** The answers of CVAT's server, by method and path. */
const routes: readonly [RegExp, (body: Body, ...parts: string[]) => unknown][] = [
  [/^GET \/api\/server\/about$/, () => ({ name: 'CVAT', description: '', version, logo_url: '', subtitle: '' })],
  [
    /^GET \/api\/tasks\/1$/,
    () => ({ ...task, jobs: { completed: 0, validation: 0 }, labels: { url: `${cvat}/api/labels` }, updated_date: now })
  ],
  [/^GET \/api\/labels$/, () => ({ count: 1, next: null, previous: null, results: [label] })],
  [
    /^GET \/api\/tasks\/1\/data\/meta$/,
    () => ({
      chunks_updated_date: now,
      deleted_frames: [],
      frames: [{ name: 'coffee.jpg', width, height, related_files: 0 }]
    })
  ],
  [/^GET \/api\/tasks\/1\/data\/$/, () => photo],
  // Interactors, as CVAT's lambda manager has them from Nuclio.
  [
    /^GET \/api\/lambda\/functions$/,
    async () =>
      Object.values(await nuclio<Record<string, NuclioFunction>>('/api/functions')).map(({ metadata, spec }) => ({
        id: metadata.name,
        kind: metadata.annotations.type,
        name: metadata.annotations.name,
        version: Number(metadata.annotations.version),
        description: spec.description,
        labels_v2: JSON.parse(metadata.annotations.spec || '[]') as unknown,
        min_pos_points: Number(metadata.annotations.min_pos_points),
        min_neg_points: Number(metadata.annotations.min_neg_points),
        startswith_box_optional: Boolean(metadata.annotations.startswith_box_optional)
      }))
  ],
  [
    /^POST \/api\/lambda\/functions\/([\w-]+)$/,
    ({ pos_points, neg_points, obj_bbox }, name) =>
      nuclio(
        '/api/function_invocations',
        { 'x-nuclio-function-name': name, 'x-nuclio-path': '/' },
        { image: photo.toString('base64'), pos_points, neg_points, obj_bbox }
      )
  ],
  // Functions whose requests an agent fetches.
  [
    /^POST \/api\/functions$/,
    body =>
      (registered = {
        id: 1,
        min_neg_points: -1,
        startswith_box: false,
        startswith_box_optional: false,
        ...body
      })
  ],
  [/^GET \/api\/functions\/1$/, () => registered],
  [
    /^POST \/api\/functions\/queues\/function:1\/requests\/acquire$/,
    async ({ request_category }) => {
      const next = request_category === 'interactive' ? waiting.shift() : undefined
      if (next === undefined) return { ar_assignment: null }
      if (completed.size) {
        // A new server does not have the image.
        await server.close({ grace: 0 })
        ;({ server, url } = await start({}, Number(new URL(url).port)))
      }
      return { ar_assignment: { ar_id: next, ar_params: { type: 'interact', task: 1, frame: 0, ...drawings[next] } } }
    }
  ],
  [
    /^POST \/api\/functions\/queues\/function:1\/requests\/(.+)\/complete$/,
    ({ shapes }, id) => void completed.set(id, shapes as readonly Shape[])
  ],
  [
    /^POST \/api\/functions\/queues\/function:1\/requests\/(.+)\/fail$/,
    ({ exc_info }, id) => console.error(`${id}: ${String(exc_info)}`)
  ]
]

const stub = createHttp((request, response) => {
  const answer = async (): Promise<void> => {
    const path = `${request.method} ${decodeURIComponent(new URL(request.url!, 'http://localhost').pathname)}`
    const body = request.method === 'POST' ? ((await readJson(request)) as Body) : {}
    for (const [pattern, route] of routes) {
      const found = pattern.exec(path)
      if (!found) continue
      const result = await route(body, ...found.slice(1))
      if (Buffer.isBuffer(result)) response.writeHead(200, { 'content-type': 'image/jpeg' }).end(result)
      else response.writeHead(200, { 'content-type': 'application/vnd.cvat+json' }).end(JSON.stringify(result ?? {}))
      return
    }
    response.writeHead(404).end()
    throw new Error('the stub has no such route')
  }
  answer().catch((error: unknown) => {
    console.error(request.method, request.url, error)
    if (!response.headersSent) response.writeHead(500)
    response.end()
  })
})
stub.listen(0, '127.0.0.1')
await once(stub, 'listening')
const cvat = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`

/** Runs a Python program beside the stub. Returns what it writes, and what it logs. */
async function run(program: string, args: readonly string[], input = ''): Promise<{ out: string; log: string }> {
  const child = spawn(join(bin, program), args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, CVAT_ACCESS_TOKEN: 'token', SAM_TOKEN: token }
  })
  child.stdin.end(input)
  const [out, log] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}:\n${log}`)
  return { out, log }
}

// ── Checks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A mask of CVAT's form, as the SDK's own helper decodes it. */
const decoded = (points: readonly number[]): Mask => {
  const bits = python(
    'import json,sys\nfrom cvat_sdk.masks import decode_mask\nw,h=map(int,sys.argv[1:])\njson.dump(decode_mask(json.load(sys.stdin),image_width=w,image_height=h).ravel().astype(int).tolist(),sys.stdout)',
    points,
    [String(width), String(height)]
  ) as number[]
  return Mask.fromBitmap({ width, height, data: Uint8Array.from(bits) })
}
let failures = 0
const check = (what: string, good: boolean, found: string): void => {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: ${found}`)
  if (!good) failures++
}
async function checkMask(what: string, drawn: Drawn, points: readonly number[]): Promise<void> {
  const iou = decoded(points).iou((await image.predict(promptOf(drawn))).masks[0])
  check(what, iou === 1, `IoU with the SDK's mask ${iou.toFixed(4)}`)
}

/** Calls an interactor as a page of CVAT does, and makes a shape of its answer. */
const caller = `
import json, sys
import numpy as np
from cvat_sdk import Client, models
from cvat_sdk.masks import encode_mask
with Client(sys.argv[1]) as client:
    _, response = client.api_client.lambda_api.list_functions(_parse_response=False)
    functions = json.loads(response.data)
    shapes = {}
    for name, drawn in json.load(sys.stdin).items():
        call = models.OnlineFunctionCallRequest(task=1, frame=0, **drawn)
        _, response = client.api_client.lambda_api.create_functions(
            functions[0]["id"], online_function_call_request=call, _parse_response=False)
        answer = json.loads(response.data)
        shape = models.LabeledShapeRequest(
            type="mask", frame=0, label_id=7, points=encode_mask(np.array(answer["mask"], bool)))
        shapes[name] = [float(value) for value in shape.points]
json.dump({"functions": functions, "shapes": shapes}, sys.stdout)
`
const { out } = await run('python', ['-c', caller, cvat], JSON.stringify(drawings))
const called = JSON.parse(out) as {
  functions: { id: string; kind: string }[]
  shapes: Record<string, number[]>
}
const [interactor] = called.functions
check(
  'the SDK lists the model',
  interactor.id === 'sam-mobile-sam' && interactor.kind === 'interactor',
  `${interactor.id}, ${interactor.kind}`
)
for (const [what, drawn] of Object.entries(drawings))
  await checkMask(`${what}, by the interactor`, drawn, called.shapes[what])

const host = ['--server-host', 'http://127.0.0.1', '--server-port', String((stub.address() as AddressInfo).port)]
const file = ['--function-file', 'apps/server/cvat/segment_anything.py', '-p', `url=str:${url}`]
await run('cvat-cli', [...host, 'function', 'create-native', 'Segment Anything', ...file])
check('the agent registers', registered.kind === 'interactor', JSON.stringify(registered))
const { log } = await run('cvat-cli', [...host, 'function', 'run-agent', '1', '--burst', ...file])
if (completed.size < Object.keys(drawings).length) console.error(log)
for (const [what, drawn] of Object.entries(drawings)) {
  const [shape] = completed.get(what) ?? []
  if (shape?.type !== 'mask') check(`${what}, by the agent`, false, 'no mask')
  else await checkMask(`${what}, by the agent, confidence ${shape.attributes[0].value}`, drawn, shape.points)
}

stub.close()
stub.closeAllConnections()
await server.close({ grace: 0 })
image.dispose()
process.exit(failures ? 1 : 0)
