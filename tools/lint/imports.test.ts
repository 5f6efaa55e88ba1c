import { ESLint, Linter } from 'eslint'
import { describe, expect, it } from 'vitest'

/** Files and an import that each must not have: one of every kind that `eslint.config.js` forbids. */
const refused: Record<string, readonly [file: string, from: string]> = {
  'a higher floor': ['packages/core/src/masks/mask.ts', '../sdk/sam.js'],
  'the same floor': ['packages/core/src/automatic/generator.ts', '../draw/overlay.js'],
  'the SDK from the model': ['packages/core/src/sam/graphs.ts', '../prompts/prompt.js'],
  'a higher floor from a subfolder': ['packages/core/src/ops/composites/linear.ts', '../../sam/config.js'],
  'a package from inside core': ['packages/core/src/sam/graphs.ts', '@sam/onnx'],
  'a package from an entry file of core': ['packages/core/src/graph.ts', '@sam/onnx'],
  'files from the model': ['packages/core/src/sam/graphs.ts', '#io'],
  'an entry file from inside core': ['packages/core/src/sdk/load.ts', '../index.js'],
  'SAM from a backend': ['packages/backend-webgpu/src/backend.ts', '@sam/core/model'],
  'the SDK from a backend': ['packages/backend-wasm/src/backend.ts', '@sam/core'],
  'a backend from another': ['packages/backend-webgpu/src/backend.ts', '@sam/backend-wasm'],
  'a backend from training': ['packages/train/src/trainer.ts', '@sam/backend-webgpu']
}

const allowed: Record<string, readonly [file: string, from: string]> = {
  'a lower floor': ['packages/core/src/sdk/load.ts', '../sam/config.js'],
  'its own folder': ['packages/core/src/sdk/load.ts', './sam.js'],
  'files where checkpoints are read': ['packages/core/src/weights/open.ts', '#io'],
  'SAM from training': ['packages/train/src/trainer.ts', '@sam/core/model']
}

/** What the rule on imports says of a file that has only this import. */
async function messages([file, from]: readonly [string, string]): Promise<string[]> {
  const { rules } = (await new ESLint().calculateConfigForFile(file)) as { rules: Linter.RulesRecord }
  const imports = rules['no-restricted-imports']
  return new Linter()
    .verify(`import '${from}'`, [{ rules: { 'no-restricted-imports': imports } }])
    .map(({ message }) => message)
}

describe('lint: imports', () => {
  it.each(Object.entries(refused))('refuses %s', async (_, given) => {
    expect(await messages(given)).toHaveLength(1)
  })
  it.each(Object.entries(allowed))('allows %s', async (_, given) => {
    expect(await messages(given)).toEqual([])
  })
})
