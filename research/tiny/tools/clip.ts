// Trains the small CLIP on generated scenes, or goes on with it: node tools/run.js research/tiny/tools/clip.ts --out FOLDER
// [--recipe clipTiny] [--from CLIP] [--seed 1] [--threads 1] FOLDER/clip is then what loadClip takes; a new run may
// begin with another such folder, clipTinyFine with one of larger patches. Ctrl-C saves.
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cuda'
import { parseClipConfig, readClipFolder } from '@sam/clip'
import { openWeights } from '@sam/core'
import type { HostTensor } from '@sam/core/graph'
import { scenes } from '@sam/scenes'
import { views } from '@sam/train'
import { clipRecipes } from '../src/contrastive/recipe.js'
import { trainClip } from '../src/contrastive/train-clip.js'
import { resampleClip } from '../src/resample/clip.js'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    recipe: { type: 'string', default: 'clipTiny' },
    from: { type: 'string' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string' }
  }
})
if (values.out === undefined) throw new Error('--out must name the folder of the run')
const recipe = Object.hasOwn(clipRecipes, values.recipe) ? clipRecipes[values.recipe] : undefined
if (!recipe) throw new Error(`--recipe must be one of ${Object.keys(clipRecipes).join(', ')}, found ${values.recipe}`)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

const backend = await cpu({ memory: 'fast', ...(values.threads !== undefined && { threads: Number(values.threads) }) })
const seed = 2000 + Number(values.seed) // of scenes that no SAM of ours is trained on
const begunFrom = async (folder: string): Promise<Readonly<Record<string, HostTensor>>> => {
  const { config, weights } = await readClipFolder(folder)
  const given = await openWeights(weights)
  const params = Object.fromEntries(
    await Promise.all(given.names.map(async name => [name, await given.read(name)] as const))
  )
  await given.close()
  return resampleClip(params, parseClipConfig(config), recipe.config)
}
const weights = values.from === undefined ? undefined : await begunFrom(values.from)
const every = 50
const watched = ['loss', 'named', 'kind', 'color', 'pattern'] as const
const fresh = () => ({ loss: 0, named: 0, kind: 0, color: 0, pattern: 0 })
let [sums, since] = [fresh(), performance.now()]
const { iteration, clip } = await trainClip({
  // A crop is 48 pixels wide: of small scenes there can be many more, and it takes many things to learn what a shape
  // is. In half of them nothing lies on a thing that hides what it is.
  recipe,
  data: views(scenes({ size: 160, seed, simple: 0.5 }), { among: 96, each: 3, seed }),
  backend,
  folder: values.out,
  weights,
  seed: Number(values.seed),
  signal: stop.signal,
  onStep(report) {
    for (const key of watched) sums[key] += report[key] / every
    if (report.iteration % every) return
    console.log(
      `${report.iteration} of ${recipe.schedule.iterations}  ${watched.map(key => `${key} ${sums[key].toFixed(3)}`).join('  ')}  ${((performance.now() - since) / every / 1000).toFixed(2)} s a step`
    )
    ;[sums, since] = [fresh(), performance.now()]
  }
})
console.log(`${iteration} steps; ${clip}`)
backend.dispose()
process.exit(0)
