import { dirname, posix, relative, sep } from 'node:path'
import { floors, platformFolders, sideways } from './floors.js'
import { packages } from './packages.js'

/**
 * The law of imports as a lint rule, for every form of import: what a package may import of ours (packages.js), that no
 * relative path leaves its package, and what a folder of @sam/core may import (floors.js).
 *
 * @type {import('eslint').Rule.RuleModule}
 */
export const importsRule = {
  meta: { type: 'problem', schema: [], messages: { refused: "{{why}}, found '{{name}}'" } },
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/')
    const check = source => {
      if (typeof source?.value !== 'string') return
      const why = refusal(file, source.value)
      if (why !== undefined) context.report({ node: source, messageId: 'refused', data: { why, name: source.value } })
    }
    return {
      ImportDeclaration: node => check(node.source),
      ExportNamedDeclaration: node => check(node.source),
      ExportAllDeclaration: node => check(node.source),
      ImportExpression: node => check(node.source),
      'CallExpression[callee.name="require"]': node => check(node.arguments[0])
    }
  }
}

/** Why a file may not import this, or undefined where it may. `file` is relative to the repository's root. */
export function refusal(file, name) {
  const root = /^(?:packages|apps|research)\/[^/]+/.exec(file)?.[0]
  if (root === undefined) return undefined
  if (name.startsWith('@sam/')) return packageRefusal(root, name)
  if (/^\..*\.[jt]s$/.test(name)) {
    const target = posix.join(dirname(file), name)
    if (!target.startsWith(`${root}/`)) return `${root} must import other packages by their names`
    if (root === 'packages/core') return floorRefusal(folderOf(file), folderOf(target))
  }
  if (root === 'packages/core' && name.startsWith('#') && !['', 'io', ...platformFolders].includes(folderOf(file)))
    return `'${folderOf(file)}' must run anywhere: only ${platformFolders.join(', ')} may import '#io'`
  return undefined
}

function packageRefusal(root, name) {
  const allowed = packages[root]
  if (!allowed || allowed.includes(name)) return undefined
  return `${root} may import ${allowed.join(', ') || 'none'} of our packages`
}

function floorRefusal(from, to) {
  const floorOf = folder => floors.findIndex(folders => folders.includes(folder))
  if (from === to || from === '' || floorOf(to) === -1) return undefined
  if (floorOf(to) < floorOf(from) || sideways[from]?.includes(to)) return undefined
  const below = [...floors.slice(0, floorOf(from)).flat(), ...(sideways[from] ?? [])]
  return `'${from}' is on floor ${floorOf(from)} of core: it may import ${below.join(', ')}`
}

/** Folder of core that a file lies in; '' for the entry files beside the folders. */
const folderOf = file => /^packages\/core\/src\/([^/]+)\//.exec(file)?.[1] ?? ''
