import { plot } from '../report/plot.js'
import type { Evaluation } from './summary.js'

/** Mean IoU over the number of clicks as SVG, with the IoU of the box and of the best mask of the first click. */
export function clickCurve({ clicks, objects, oneClick, box }: Evaluation): string {
  const last = Math.max(2, clicks.length)
  const level = (y: number): [number, number][] => [
    [1, y],
    [last, y]
  ]
  return plot(
    [
      {
        top: 1,
        lines: [
          {
            label: `after ${clicks.length} clicks`,
            color: '#06c',
            dots: true,
            points: clicks.map((iou, i) => [i + 1, iou])
          },
          { label: 'best of three masks of one click', color: '#d80', points: level(oneClick.all.oracle) },
          { label: 'box', color: '#083', points: level(box.predicted) }
        ]
      }
    ],
    { from: 1, to: last, caption: `mean IoU after 1 … ${clicks.length} clicks, ${objects} objects` }
  )
}
