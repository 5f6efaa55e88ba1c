/**
 * `npm run verify:label-studio -- [--venv FOLDER] [--picture FILE]`: the real Label Studio, from PyPI, with this server
 * as its ML backend. Imports a photo, asks for interactive predictions through Label Studio's API as its page does,
 * compares the masks that Label Studio's own converter decodes with those of the SDK, and takes a picture of the result
 * in Label Studio's page. The first run installs Label Studio into a virtual environment (a gigabyte).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer as createNet, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Mask } from '@sam/core'
import { chromium } from 'playwright-core'
import { ensureChromium } from '../chromium/index.js'
import { command, virtualEnvironment } from './python.js'
import { servedSam, token } from './served-sam.js'

const labelStudioVersion = '1.23.0'
const { values } = parseArgs({
  options: {
    venv: { type: 'string', default: join(tmpdir(), `sam-label-studio-${labelStudioVersion}`) },
    picture: { type: 'string', default: 'out/label-studio.png' }
  }
})
const bin = virtualEnvironment(values.venv, [`label-studio==${labelStudioVersion}`])

const freePort = (): Promise<number> =>
  new Promise(done => {
    const server = createNet().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })

// Label Studio, with a folder of its own for what it stores.
const [user, password, key] = ['user@example.com', 'a-password-of-the-test', 'a'.repeat(40)]
const port = await freePort()
const url = `http://localhost:${port}`
const data = mkdtempSync(join(tmpdir(), 'sam-label-studio-data-'))
const log = openSync(join(data, 'log'), 'w')
const studio: ChildProcess = spawn(
  join(bin, 'label-studio'),
  ['start', '--no-browser', '--port', String(port), '--data-dir', data],
  {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      LABEL_STUDIO_USERNAME: user,
      LABEL_STUDIO_PASSWORD: password,
      LABEL_STUDIO_USER_TOKEN: key,
      LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: 'true',
      LABEL_STUDIO_COLLECT_ANALYTICS: 'false',
      LABEL_STUDIO_LATEST_VERSION_CHECK: 'false',
      HOST: url
    }
  }
)
process.on('exit', () => studio.kill())

async function api<T>(path: string, body?: object | FormData, method = body ? 'POST' : 'GET'): Promise<T> {
  const form = body instanceof FormData
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Token ${key}`, ...(!form && { 'content-type': 'application/json' }) },
    body: form ? body : body ? JSON.stringify(body) : null
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 500)}`)
  return (await response.json()) as T
}

for (let waited = 0; ; waited++) {
  if (studio.exitCode !== null || waited > 600) throw new Error(`Label Studio does not run; see ${data}/log`)
  const up = await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false
  )
  if (up) break
  await new Promise(done => setTimeout(done, 1000))
}
console.log(`Label Studio ${labelStudioVersion} runs`)

// The server, with a token: Label Studio sends it as a password.
const { sam, start } = await servedSam()
const { server, url: address } = await start({ labelStudio: { url, token: key } })

const photo = new Uint8Array(await readFile('apps/cli/assets/coffee.jpg'))
const image = await sam.encode(photo)
const { width, height } = image
const percent = (x: number, y: number): { x: number; y: number } => ({ x: (100 * x) / width, y: (100 * y) / height })
const region = (type: string, value: object, more: object = {}): object => ({
  id: Math.random().toString(36).slice(2, 12),
  type,
  from_name: type,
  to_name: 'image',
  original_width: width,
  original_height: height,
  image_rotation: 0,
  origin: 'manual',
  value: { ...value, rotation: 0, [type]: ['Cup'] },
  ...more
})
const click = (x: number, y: number, positive = true): object =>
  region('keypointlabels', { ...percent(x, y), width: 0.5 }, { is_positive: positive })

interface Result {
  readonly type: string
  readonly value: { readonly rle?: number[]; readonly points?: [number, number][] }
}

/** A project with a photo and this server; asks for predictions as the page does. */
async function project(
  tag: string
): Promise<{ id: number; task: number; ask: (context: object[]) => Promise<Result[]> }> {
  const { id } = await api<{ id: number }>('/api/projects', {
    title: `Segment Anything: ${tag}`,
    label_config: `<View>
      <Image name="image" value="$image" zoom="true"/>
      <${tag} name="mask" toName="image"><Label value="Cup" background="#FF0000"/></${tag}>
      <KeyPointLabels name="keypointlabels" toName="image" smart="true"><Label value="Cup" background="#00AA00"/></KeyPointLabels>
      <RectangleLabels name="rectanglelabels" toName="image" smart="true"><Label value="Cup" background="#0000AA"/></RectangleLabels>
    </View>`
  })
  const form = new FormData()
  form.append('coffee.jpg', new Blob([photo], { type: 'image/jpeg' }), 'coffee.jpg')
  await api(`/api/projects/${id}/import`, form)
  const { tasks } = await api<{ tasks: { id: number }[] }>(`/api/tasks?project=${id}`)
  const { id: ml, state } = await api<{ id: number; state: string }>('/api/ml', {
    project: id,
    url: `${address}/label-studio`,
    title: 'Segment Anything',
    is_interactive: true,
    auth_method: 'BASIC_AUTH',
    basic_auth_user: 'label-studio',
    basic_auth_pass: token
  })
  console.log(`${tag}: connected (${state})`)
  return {
    id,
    task: tasks[0].id,
    async ask(result) {
      const path = `/api/ml/${ml}/interactive-annotating`
      const answer = await api<{ data?: { result: Result[] }; errors?: string[] }>(path, {
        task: tasks[0].id,
        context: { result }
      })
      if (!answer.data) throw new Error(`Label Studio says: ${answer.errors?.join('; ')}`)
      return answer.data.result
    }
  }
}

/** A brush mask as Label Studio's own converter reads it. */
function brush(rle: readonly number[]): Mask {
  const script =
    'import json,sys\nfrom label_studio_sdk.converter.brush import decode_rle\njson.dump([int(v>0) for v in decode_rle(json.load(sys.stdin))[3::4]],sys.stdout)'
  const bits = JSON.parse(command(join(bin, 'python'), ['-c', script], JSON.stringify(rle))) as number[]
  return Mask.fromBitmap({ width, height, data: Uint8Array.from(bits) })
}

let failures = 0
function check(what: string, iou: number, least: number): void {
  console.log(`${iou >= least ? 'ok  ' : 'FAIL'} ${what}: IoU with the SDK's mask ${iou.toFixed(4)}`)
  if (iou < least) failures++
}

const point = { x: 290, y: 150 }
const brushes = await project('BrushLabels')
const [clicked] = await brushes.ask([click(point.x, point.y)])
check('a click, as a brush mask', brush(clicked.value.rle!).iou((await image.predict({ points: [point] })).masks[0]), 1)

const box = [150, 40, 470, 330] as const
const { x: w, y: h } = percent(box[2] - box[0], box[3] - box[1])
const boxed = [region('rectanglelabels', { ...percent(box[0], box[1]), width: w, height: h })]
const [ofBox] = await brushes.ask(boxed)
check('a box, as a brush mask', brush(ofBox.value.rle!).iou((await image.predict({ box })).masks[0]), 1)

const points = [point, { x: 100, y: 350, label: 'background' as const }]
const [refined] = await brushes.ask([
  { ...clicked, type: 'brushlabels' },
  click(point.x, point.y),
  click(100, 350, false)
])
const mask = brush(clicked.value.rle!)
check(
  'a brush mask with two clicks',
  brush(refined.value.rle!).iou((await image.predict({ points, mask })).masks[0]),
  1
)

const polygons = await project('PolygonLabels')
const [outline] = await polygons.ask(boxed)
const ring = outline.value.points!.map(([x, y]) => [(x / 100) * width, (y / 100) * height] as const)
const filled = Mask.fromPolygons([[[...ring, ring[0]]]], { width, height })
check('a box, as a polygon', filled.iou((await image.predict({ box })).masks[0]), 0.97)

// The answer in Label Studio's own page.
await api(`/api/tasks/${brushes.task}/annotations`, { result: [clicked], was_cancelled: false })
const { executablePath, env } = ensureChromium()
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  env: { ...process.env, ...env }
})
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
await page.goto(`${url}/user/login`)
await page.fill('input[name=email]', user)
await page.fill('input[name=password]', password)
await page.press('input[name=password]', 'Enter')
await page.waitForURL(address => !address.pathname.includes('login'), { timeout: 120_000 })
await page.goto(`${url}/projects/${brushes.id}/data?task=${brushes.task}`)
await page.locator('.konvajs-content canvas').first().waitFor({ timeout: 120_000 })
await page.waitForTimeout(8000) // the mask is drawn after the photo
const picture = resolve(values.picture)
await mkdir(dirname(picture), { recursive: true })
await page.screenshot({ path: picture })
await browser.close()
console.log(`picture: ${picture}`)

await server.close({ grace: 0 })
image.dispose()
process.exit(failures ? 1 : 0)
