// Gives a trained model more blocks, to go on from: its kth is the old one that --order names kth, silent where that was named before. Of a CLIP, its picture side.
// node tools/run.js tools/train/deepen.ts --sam FILE --out FILE --order 0,1,2,3,4,5,4,5
// node tools/run.js tools/train/deepen.ts --clip FOLDER --out FOLDER --order 0,1,1,1,2
import { parseArgs } from 'node:util'
import { parseClipConfig, readClipFolder } from '@sam/clip'
import { isVit, openWeights, recognise } from '@sam/core'
import { clipTiny, deepened, readParams, saveClip, saveModel } from '@sam/train'

const { values: { sam, clip, out, order: told } } = parseArgs({ options: { sam: { type: 'string' }, clip: { type: 'string' }, out: { type: 'string' }, order: { type: 'string' } } })
if (!out || !told || !sam === !clip) throw new Error('--out, --order and one of --sam and --clip must be given')
const order = told.split(',').map(Number)
if (sam) {
  const source = await openWeights(sam)
  const config = recognise(source)
  if (!config || !isVit(config.imageEncoder)) throw new Error(`${sam} must be a SAM with a ViT`)
  const { imageEncoder: vit } = config
  const imageEncoder = { ...vit, depth: order.length, globalBlocks: order.flatMap((old, k) => vit.globalBlocks.includes(old) ? [k] : []) }
  await saveModel(out, deepened(await readParams(source, config), { blocks: 'image_encoder.blocks', order }), { config: { ...config, imageEncoder }, dtype: 'F32' })
}
if (clip) {
  const files = await readClipFolder(clip)
  const [source, config] = [await openWeights(files.weights), parseClipConfig(files.config)]
  const params = Object.fromEntries(await Promise.all(source.names.map(async name => [name, await source.read(name)] as const)))
  const recipe = { ...clipTiny, config: { ...config, vision: { ...config.vision, depth: order.length } } }
  await saveClip(out, recipe, deepened(params, { blocks: 'vision_model.encoder.layers', order }))
}
console.log(out)
process.exit(0)
