/**
 * `npm run bench:precision -- DIR [--photos N]`: MobileSAM with the weights of its linear layers in f32, f16 and int8,
 * and with all weights rounded to f16 (what a file in f16 holds, and `webgpu({ precision: 'f16' })` computes with).
 * On photos with a mask each (DIR/images, DIR/masks), interleaved: IoU of the masks with those of f32 and with the true
 * masks, after one click (the best of three masks by prediction) and from the true box; time of the encoding.
 * Prints a row per photo, then the means. `--memory PRECISION [--weights FILE]` prints the memory of one process.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadSam, Mask, type Bitmap, type Sam } from '@sam/core'
import { storedIn } from '@sam/core/model'
import { cpu, type CpuOptions } from '@sam/backend-cpu'
import { mobileModel } from '@sam/model-mobile'
import { imageFolder } from '@sam/train'
import { iouOf, nextClick } from '@sam/train/toolkit'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { photos: { type: 'string' }, memory: { type: 'string' }, weights: { type: 'string' } }
})

/** One way to keep the weights, with its model and its results: a row for each photo. */
interface Variant {
  readonly name: string
  readonly sam: Sam
  readonly rows: Row[]
}
interface Row {
  readonly click: number
  readonly box: number
  readonly trueClick: number
  readonly trueBox: number
  readonly seconds: number
}

if (values.memory !== undefined) await memory(values.memory as Precision)
else if (positionals[0]) await photos(positionals[0], Number(values.photos ?? Infinity))
else {
  process.stderr.write('precision: give the folder that holds images/ and masks/\n')
  process.exit(2)
}

type Precision = NonNullable<CpuOptions['precision']>

async function photos(folder: string, count: number): Promise<void> {
  const { weights } = await mobileModel()
  const variants: Variant[] = []
  for (const precision of ['f32', 'f16', 'int8'] as const)
    variants.push({ name: precision, sam: await loadSam({ weights, backend: await cpu({ precision }) }), rows: [] })
  const rounded = await loadSam({ weights: storedIn(weights, 'F16'), backend: await cpu() })
  variants.push({ name: 'all f16', sam: rounded, rows: [] })
  await variants[0].sam.encode({ width: 8, height: 8, data: new Uint8Array(192) })

  const data = await imageFolder(folder, { values: 'threshold' })
  for (let i = 0; i < Math.min(count, data.size); i++) {
    const { name, image: photo, truths } = await data.read(i)
    const truth: Bitmap = { width: photo.width, height: photo.height, data: truths[0].mask }
    const point = nextClick(truth)!
    let [click, box]: Uint8Array[] = []
    for (const { sam, rows } of variants) {
      const start = performance.now()
      const image = await sam.encode(photo)
      await image.embedding()
      const seconds = (performance.now() - start) / 1000
      const { masks } = await image.predict({ points: [point] })
      const boxed = await image.predict({ box: Mask.fromBitmap(truth).boxXyxy }, { multimask: false })
      const found = [masks[0].bitmap(), boxed.masks[0].bitmap()].map(bits => Uint8Array.from(bits))
      image.dispose()
      click ??= found[0]
      box ??= found[1]
      rows.push({
        click: iouOf(found[0], click),
        box: iouOf(found[1], box),
        trueClick: iouOf(found[0], truth.data),
        trueBox: iouOf(found[1], truth.data),
        seconds
      })
    }
    const cells = variants.map(({ rows }) => {
      const { click, box, seconds } = rows.at(-1)!
      return `${click.toFixed(4)} ${box.toFixed(4)} ${seconds.toFixed(2)} s`
    })
    console.log(`${name.padEnd(24)} ${cells.join('   ')}`)
  }

  console.log('\nIoU with f32: mean, median, lowest; IoU with the truth; time of f32 over this, medians and best')
  for (const { name, rows } of variants) {
    const column = (key: keyof Row, of = rows): number[] => of.map(row => row[key]).sort((a, b) => a - b)
    const mean = (key: keyof Row): string => (column(key).reduce((a, b) => a + b, 0) / rows.length).toFixed(4)
    const middle = (list: readonly number[]): number => list[Math.floor(list.length / 2)]
    const spread = (key: 'click' | 'box'): string =>
      `${mean(key)} ${middle(column(key)).toFixed(4)} ${column(key)[0].toFixed(3)}`
    const [first, own] = [column('seconds', variants[0].rows), column('seconds')]
    console.log(
      `${name.padEnd(8)} click ${spread('click')}; box ${spread('box')}; truth ${mean('trueClick')} ${mean('trueBox')}; ` +
        `${(middle(first) / middle(own)).toFixed(2)} ${(first[0] / own[0]).toFixed(2)}`
    )
  }
  process.exit(0)
}

/** MB of memory that belongs to the process, beyond that of the backend: after loading, and at the encoding's peak. */
async function memory(precision: Precision): Promise<void> {
  const status = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
  const backend = await cpu({ precision })
  const before = status('RssAnon')
  const start = performance.now()
  const sam = await loadSam({ weights: values.weights ?? (await mobileModel()).weights, backend })
  const [loaded, seconds] = [status('RssAnon') - before, (performance.now() - start) / 1000]
  const samples: number[] = []
  const watch = setInterval(() => samples.push(status('RssAnon')), 20)
  const image = await sam.encode({ width: 1024, height: 683, data: new Uint8Array(1024 * 683 * 3).fill(120) })
  clearInterval(watch)
  image.dispose()
  console.log(
    `${precision}: anonymous memory after loading ${loaded.toFixed(0)} MB, at the peak of an encoding ` +
      `${(Math.max(...samples) - before).toFixed(0)} MB; loaded in ${seconds.toFixed(1)} s`
  )
  process.exit(0)
}
