import type { TextEvaluation, TextScores } from './text.js'

/** A text evaluation as a Markdown table, for a model card. */
export function textTable({ images, notHere, ...kinds }: TextEvaluation): string {
  const rows: [string, TextScores][] = [
    ['all', kinds.all],
    ['wholes', kinds.wholes],
    ['parts', kinds.parts],
    ['wholes, colour and shape seen together', kinds.knownPairs],
    ['wholes, never seen together', kinds.heldOutPairs]
  ]
  const columns = ['phrases', 'text', 'textAndPoint', 'crop', 'shuffled', 'query', 'rank'] as const
  return [
    '| mean IoU | phrases | text alone | text and one click | embedding of the true crop | phrase of another scene | query, route `prompt` | query, route `rank` |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ([name, scores]) =>
        `| ${[name, ...columns.map(c => (c === 'phrases' ? String(scores[c]) : scores[c].toFixed(3)))].join(' | ')} |`
    ),
    '',
    `*Not here*: ROC-AUC ${notHere.prompt.toFixed(3)} (route \`prompt\`), ${notHere.rank.toFixed(3)} (route \`rank\`) over ${notHere.phrases} phrases that name nothing in their scene; ${images} scenes.`,
    ''
  ].join('\n')
}
