// One side of `npm run bench:train`: responds to 'name', 'step' (runs one, prints the loss), 'peak' (bytes) and
// 'iteration' (a full one of the trainer). JavaScript on the built packages, because running from source would load a
// bundler into the process.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { cpu } from '@sam/backend-cpu'
import { openWeights } from '@sam/core'
import { memoryWeights, nameOf, tensor } from '@sam/core/graph'
import { scenes } from '@sam/scenes'
import { initialParams } from '@sam/train'
import { trainingStep, trainer } from '@sam/train/toolkit'

const source = await openWeights(process.argv[2])
const recipe = JSON.parse(source.metadata.recipe)
const given = {}
for (const name of source.names) {
  const { dtype, shape } = source.info(name)
  const { data } = await source.read(name)
  given[name] = tensor(dtype === 'I32' ? 'i32' : 'f32', shape, data)
}
await source.close()

const backend = await cpu({ memory: 'fast' })
const [prompts, points] = given.point_coords.shape
const { graph } = trainingStep(recipe.config, {
  ...recipe,
  shape: { images: recipe.microBatch, prompts: prompts / recipe.microBatch, points },
  accumulate: 1
})
const executable = await backend.compile(graph, memoryWeights({}))
const feeds = Object.fromEntries(graph.inputs.map(v => [nameOf(v), given[nameOf(v)]]))

/** Runs the step; params and moments stay on the device. */
async function step() {
  const outputs = await executable.run(feeds)
  const loss = (await outputs.loss.read()).data[0]
  for (const [name, next] of Object.entries(outputs)) {
    if (!(name in feeds)) next.dispose()
    else {
      feeds[name].dispose?.()
      feeds[name] = next
    }
  }
  return loss
}

let fullTrainer
async function iteration() {
  const data = scenes({ size: recipe.config.imageSize, seed: 1 })
  fullTrainer ??= await trainer({ recipe, data, backend, seed: 1, state: initialParams(recipe.config, 1) })
  return (await fullTrainer.trainStep()).loss
}

const responses = {
  name: () => 'ours, onnxruntime',
  step,
  // The high-water mark of this process alone.
  peak: () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
  iteration
}
for await (const line of createInterface(process.stdin)) console.log(await responses[line]())
process.exit(0)
