// node click.mjs photo.jpg 290,150 mask.png
import { writeFile } from 'node:fs/promises'
import { cpu } from '@sam/backend-cpu'
import { loadSam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'

const [photo = '../../cli/assets/coffee.jpg', click = '290,150', out = 'mask.png'] = process.argv.slice(2)
const [x, y] = click.split(',').map(Number)

const { weights } = await mobileModel()
const sam = await loadSam({ weights, backend: await cpu() })
const image = await sam.encode(photo)
const { masks } = await image.predict({ points: [{ x, y }] })

const [mask] = masks
await writeFile(out, await mask.toPng())
console.log(`${out}: ${mask.area} pixels, predicted IoU ${mask.predictedIou.toFixed(2)}`)
