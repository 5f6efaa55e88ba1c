import { maskTree, type MaskNode } from '@sam/core'
import type { Suggestion } from '../document/project.js'
import type { Level } from './annotator.js'

/** The nodes of the tree of suggestions, which is computed once for each list. */
const trees = new WeakMap<readonly Suggestion[], readonly MaskNode<Suggestion>[]>()

/** The suggestions of a level: wholes, parts or subparts. */
export function suggestionsOfLevel(suggestions: readonly Suggestion[], level: Level): readonly Suggestion[] {
  if (level === 'all' || !suggestions.length) return suggestions
  return nodesOf(suggestions).flatMap(node => (node.level === level ? [node.item] : []))
}

function nodesOf(suggestions: readonly Suggestion[]): readonly MaskNode<Suggestion>[] {
  let nodes = trees.get(suggestions)
  if (!nodes) trees.set(suggestions, (nodes = flat(maskTree(suggestions))))
  return nodes
}

const flat = (nodes: readonly MaskNode<Suggestion>[]): MaskNode<Suggestion>[] =>
  nodes.flatMap(node => [node, ...flat(node.children)])
