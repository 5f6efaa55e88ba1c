import type { App } from '../app.js'
import { exportPicture, type ExportFormat } from '../export.js'
import { h, save } from './dom.js'
import { icon } from './icons.js'

const formats: readonly {
  readonly format: ExportFormat
  readonly label: string
  readonly what: string
  readonly ending: string
}[] = [
  { format: 'png', label: 'Cut-out', what: 'PNG of the selected object', ending: '.png' },
  { format: 'coco', label: 'COCO', what: 'JSON of all visible objects', ending: '.json' },
  { format: 'svg', label: 'Outlines', what: 'SVG of all visible objects', ending: '.svg' }
]

/** The export buttons. */
export function createExport({ annotator }: App): { readonly element: HTMLElement; update(): void } {
  const buttons = formats.map(({ format, label, what, ending }) => {
    const name = (): string =>
      (annotator.picture?.name.replace(/\.[^.]*$/, '') || 'image') +
      (format === 'png' ? `-${annotator.active?.name}` : '') +
      ending
    const onclick = async (): Promise<void> => {
      try {
        const blob = await exportPicture(annotator, format)
        if (blob) save(blob, name())
      } catch (error) {
        annotator.fail(error)
      }
    }
    const button = h(
      'button',
      { type: 'button', class: 'export', onclick },
      icon('save'),
      h('span', {}, h('strong', {}, label), h('small', {}, what))
    )
    return { format, button }
  })
  return {
    element: h(
      'section',
      { class: 'card' },
      h('header', {}, h('h2', {}, 'Export')),
      h('div', { class: 'exports' }, ...buttons.map(b => b.button))
    ),
    update() {
      const masked = annotator.masked()
      for (const { format, button } of buttons)
        button.disabled = !masked.some(({ object }) => format !== 'png' || object.id === annotator.active?.id)
    }
  }
}
