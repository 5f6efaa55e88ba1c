import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { paramsOf } from '../src/ir/graph.js'
import { nameOf } from '../src/ir/value.js'
import { tinyTest, vitB, vitH, vitL, type SamConfig } from '../src/sam/config.js'
import { decodeMasks, encodeImage } from '../src/sam/graphs.js'
import { fixturePath, openFixture } from './tiny-io.js'

/** Every parameter of the two graphs: name → shape. */
function paramShapes(config: SamConfig): Record<string, readonly number[]> {
  const graphs = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 2, masks: true })]
  return Object.fromEntries(graphs.flatMap(paramsOf).map(p => [nameOf(p)!, p.shape]))
}

/** fixtures/names was written by tools/reference/names.py from the state_dict of Meta's own modules. */
describe("parameter names and shapes are Meta's", () => {
  it.each([vitB, vitL, vitH])('$name', config => {
    expect(paramShapes(config)).toEqual(JSON.parse(readFileSync(fixturePath(`names/${config.name}.json`), 'utf8')))
  })

  it('tiny-test, in the file that PyTorch wrote', async () => {
    const source = await openFixture('tiny-checkpoint.safetensors')
    expect(paramShapes(tinyTest)).toEqual(Object.fromEntries(source.names.map(name => [name, source.info(name).shape])))
    await source.close()
  })
})
