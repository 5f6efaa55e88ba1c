import { mkdtemp, chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configs } from '@sam/core'
import { encodeImage, decodeMasks, storedIn, writePth, writeSafetensors } from '@sam/core/model'
import {
  evaluate,
  f32,
  memoryWeights,
  nameOf,
  openWeights,
  tensor,
  type Backend,
  type Graph,
  type HostTensor,
  type WeightSource
} from '@sam/core/graph'
import { randomTensor } from '@sam/core/testing'
import { cpu } from '@sam/backend-cpu'

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))

const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** The tiny SAM on the CPU, from every kind of checkpoint location, against the reference evaluator. */
describe('a checkpoint gives the reference results', () => {
  let folder: string
  let backend: Backend
  let tensors: Record<string, HostTensor>
  const graphs: readonly (readonly [Graph, Readonly<Record<string, HostTensor>>])[] = [
    [encodeImage(configs['tiny-test']), { image: randomTensor([1, 3, 128, 128], { seed: 1, range: [-2, 2] }) }],
    [
      decodeMasks(configs['tiny-test'], { prompts: 1, points: 2 }),
      {
        image_embedding: randomTensor([1, 32, 8, 8], { seed: 2 }),
        point_coords: f32([1, 2, 2], [40, 60, 0, 0]),
        point_labels: tensor('i32', [1, 2], [1, -1]),
        token_mask: f32([1, 2], [1, 1])
      }
    ]
  ]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sam-test-'))
    backend = await cpu({ threads: 1 })
    const source = await openWeights(fixture('tiny-checkpoint.safetensors'))
    tensors = Object.fromEntries(
      await Promise.all(source.names.map(async name => [name, await source.read(name)] as const))
    )
    await source.close()
  })
  afterAll(async () => {
    backend.dispose()
    await chmod(join(folder, 'read only ünïcode'), 0o700)
    await rm(folder, { recursive: true })
  })

  async function runs(weights: WeightSource, on = backend, exactly = tensors): Promise<void> {
    for (const [graph, feeds] of graphs) {
      const expected = evaluate(graph, leaf => (leaf.op === 'param' ? exactly : feeds)[nameOf(leaf)!])
      const executable = await on.compile(graph, weights)
      const outputs = await executable.run(feeds)
      for (const [name, { data }] of Object.entries(expected)) {
        const found = (await outputs[name].read()).data
        expect(
          data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - found[i])), 0),
          `${graph.name} ${name}`
        ).toBeLessThan(1e-4)
        outputs[name].dispose()
      }
      executable.dispose()
    }
    await weights.close()
  }

  it.each(['tiny-checkpoint.pth', 'tiny-checkpoint.safetensors'])('%s, composites fused and decomposed', async file => {
    await runs(await openWeights(fixture(file)))
    const decomposed = await cpu({ decompose: 'all', threads: 1 })
    await runs(await openWeights(fixture(file)), decomposed)
    decomposed.dispose()
  })

  it('in a read-only folder, with spaces and non-ASCII letters in its path, through a link', async () => {
    const locked = join(folder, 'read only ünïcode')
    await mkdir(locked)
    await copyFile(fixture('tiny-checkpoint.pth'), join(locked, 'my sam — 猫.pth'))
    await symlink(join(locked, 'my sam — 猫.pth'), join(folder, 'link.pth'))
    await chmod(locked, 0o500)
    await runs(await openWeights(join(locked, 'my sam — 猫.pth')))
    await runs(await openWeights(join(folder, 'link.pth')))
  })

  it('in memory', async () => {
    await runs(memoryWeights(tensors))
  })

  it.each([
    ['F16', 'pth'],
    ['BF16', 'safetensors']
  ] as const)('stored as %s in a .%s', async (dtype, format) => {
    const half = storedIn(memoryWeights(tensors), dtype)
    const rounded = Object.fromEntries(
      await Promise.all(half.names.map(async name => [name, await half.read(name)] as const))
    )
    const path = join(folder, `half.${format}`)
    await writeFile(path, await collect(format === 'pth' ? writePth(half) : writeSafetensors(half)))
    await runs(await openWeights(path), backend, rounded)
  })

  it('in a safetensors file whose header leaves every tensor unaligned', async () => {
    const file = await collect(writeSafetensors(tensors))
    const header = Number(file.readBigUInt64LE(0))
    const shifted = Buffer.concat([file.subarray(0, 8 + header), Buffer.from(' '), file.subarray(8 + header)])
    shifted.writeBigUInt64LE(BigInt(header + 1), 0)
    await writeFile(join(folder, 'unaligned.safetensors'), shifted)
    await runs(await openWeights(join(folder, 'unaligned.safetensors')))
  })
})
