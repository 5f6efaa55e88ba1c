import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { describe, expect, it } from 'vitest'
import { valuesOf, type Graph } from '../src/ir/graph.js'
import { absorbProjections } from '../src/passes/absorb-projections.js'
import { decompose } from '../src/passes/decompose.js'
import { simplify } from '../src/passes/simplify.js'
import { vitB } from '../src/sam/config.js'
import { decodeMasks, encodeImage } from '../src/sam/graphs.js'

/** kB a page downloads for each entry point, and kB of what it loads on first use: downloads, ONNX. */
const ceilings = { index: 60, graph: 34, model: 36, testing: 28 }
const lazyCeiling = 9

/** An entry point bundled and minified for browsers. */
async function bundle(entry: string): Promise<Rolldown.OutputChunk[]> {
  const input = fileURLToPath(new URL(`../src/${entry}.ts`, import.meta.url))
  const built = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@sam/source', 'browser'] },
    build: {
      write: false,
      minify: true,
      modulePreload: false, // Vite's own helper, not ours
      target: 'es2022',
      rolldownOptions: { input, preserveEntrySignatures: 'strict' }
    }
  })) as Rolldown.RolldownOutput
  return built.output.filter(file => file.type === 'chunk')
}

const sizeOf = (chunks: readonly Rolldown.OutputChunk[]): number =>
  gzipSync(chunks.map(c => c.code).join('')).length / 1000

/** The chunks that load with an entry point. */
function initial(chunks: readonly Rolldown.OutputChunk[]): ReadonlySet<Rolldown.OutputChunk> {
  const found = new Set(chunks.filter(c => c.isEntry))
  for (const chunk of found) for (const other of chunks) if (chunk.imports.includes(other.fileName)) found.add(other)
  return found
}

/** If growth is intended, raise the number in the same commit; if an entry shrinks, lower it. */
describe('budgets', () => {
  it.each(Object.entries(ceilings))('%s.ts: at most %d kB gzipped, and nothing of Node', async (entry, ceiling) => {
    const chunks = await bundle(entry)
    const first = initial(chunks)
    const size = sizeOf([...first])
    expect(sizeOf(chunks.filter(c => !first.has(c)))).toBeLessThanOrEqual(lazyCeiling)
    expect(size).toBeLessThanOrEqual(ceiling)
    expect(size, 'far below the ceiling: lower it').toBeGreaterThan(0.6 * ceiling)
    expect(chunks.map(c => c.code).join('')).not.toMatch(/['"`](node:\w+|sharp)['"`]/)
  })

  it('ViT-B is a small graph, fused and decomposed', () => {
    const nodes = (g: Graph): number => valuesOf(g).filter(v => v.inputs.length).length
    const encode = encodeImage(vitB)
    const decode = absorbProjections(decodeMasks(vitB, { prompts: 1, points: 2 }), ['image_embedding'])
    expect(nodes(encode)).toBeLessThanOrEqual(130)
    expect(nodes(decode)).toBeLessThanOrEqual(400)
    expect(nodes(simplify(decompose(encode, () => false)))).toBeLessThanOrEqual(1600)
    expect(nodes(simplify(decompose(decode, () => false)))).toBeLessThanOrEqual(770)
  })
})
