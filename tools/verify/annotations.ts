/**
 * `npm run verify:annotations -- --python PYTHON`: automatic masks of a photo, as @sam/annotations writes them, read by
 * pycocotools, label-studio-sdk and datumaro. PYTHON has the packages of tools/reference/read_annotations.py. Prints
 * the lowest IoU of each reader, and fails below 1.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeAnnotations, type AnnotatedObject } from '@sam/annotations'
import { cpu } from '@sam/backend-cpu'
import { decodeImage, labelMap, loadSam, Mask } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'

const { python } = parseArgs({ options: { python: { type: 'string' } } }).values
if (!python) throw new Error('needs --python, with the packages of tools/reference/read_annotations.py')

type Options = Parameters<typeof writeAnnotations>[1]

/** Low thresholds: more masks, with holes and islands. */
const settings = { pointsPerSide: 8, predIouThresh: 0.6, stabilityScoreThresh: 0.6, keepLogits: false }

const folder = mkdtempSync(join(tmpdir(), 'sam-annotations-'))
let failed = 0
try {
  const file = 'apps/cli/assets/coffee.jpg'
  const photo = await decodeImage(file)
  const { width, height } = photo
  const { weights } = await mobileModel()
  const sam = await loadSam({ weights, backend: await cpu() })
  const image = await sam.encode(photo)
  const masks = (await image.generateMasks(settings)).map(({ mask }) => mask)
  const holes = masks.flatMap(mask => mask.toPolygons()).filter(rings => rings.length > 1).length
  console.log(`${masks.length} masks of ${width} × ${height} pixels, ${holes} parts with holes\n`)

  const objects = masks.map((mask, i): AnnotatedObject => ({ id: String(i + 1), category: `object ${i + 1}`, mask }))
  const write = (to: string, options: Options, rename = (file: string): string => file): void => {
    for (const [name, bytes] of writeAnnotations([{ file: 'photo.jpg', width, height, objects }], options))
      save(join(to, rename(name)), bytes)
  }
  write('coco', { format: 'coco' })
  write('coco-polygon', { format: 'coco', shapes: 'polygon' })
  write('datumaro-coco', { format: 'coco' }, () => 'annotations/instances_train.json')
  write('label-studio', { format: 'label-studio' })
  write('cvat', { format: 'cvat' })
  // datumaro wants the image beside its annotations
  for (const to of ['datumaro-coco', 'cvat']) save(join(to, 'images/photo.jpg'), readFileSync(file))
  write('voc', { format: 'voc', prefer: 'smallest' })
  const byCategory = (all: readonly Mask[]): string =>
    JSON.stringify(
      Object.fromEntries(all.flatMap((mask, i) => (mask.area ? [[`object ${i + 1}`, mask.toCocoRle()]] : [])))
    )
  save('masks.json', byCategory(masks))
  const { data } = labelMap(masks, { prefer: 'smallest' })
  save(
    'voc-masks.json',
    byCategory(
      masks.map((_, i) => Mask.fromBitmap({ width, height, data: Uint8Array.from(data, n => Number(n === i + 1)) }))
    )
  )

  const script = 'tools/reference/read_annotations.py'
  const table = JSON.parse(
    execFileSync(python, [script, folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  ) as Record<string, number[]>
  console.log('| read by | objects | lowest IoU |\n| --- | ---: | ---: |')
  for (const [reader, ious] of Object.entries(table)) {
    const least = Math.min(...ious)
    if (!(least === 1)) failed++
    console.log(`| ${reader} | ${ious.length} | ${least.toFixed(5)} |`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(failed ? `\n${failed} readers see other masks` : '\nok')
process.exit(failed ? 1 : 0)

function save(name: string, content: string | Uint8Array): void {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
