import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import type { MaskOptions } from '../export/export-picture.js'
import type { ExportScope } from '../export/exports.js'
import { exportFormats, hasShapes, writesOutlines, type ExportFormat } from '../export/formats.js'
import { counted } from '../format.js'
import { card, dropDown, segments, slider, textButton } from './controls.js'

const scopes: readonly (readonly [ExportScope, string])[] = [
  ['object', 'This object'],
  ['picture', 'This picture'],
  ['all', 'All pictures']
]
const formats = Object.entries(exportFormats).map(([name, { label }]) => [name as ExportFormat, label] as const)

const usesFeather = (format: ExportFormat): boolean => format === 'cut-out' || format === 'masks'

/** The export: what, in which format, and how the masks are written. */
export function exportPanel(app: App): TemplateResult {
  const { exports, state, annotator } = app
  const { exportSettings: settings } = state
  const { format, scope, masks } = settings
  // Of the state at that time, and not of the last rendering: several changes can come before the next one.
  const now = (): typeof settings => app.state.exportSettings
  const change = (part: Partial<typeof settings>): void => app.set({ exportSettings: { ...now(), ...part } })
  const changeMasks = (part: Partial<MaskOptions>): void => change({ masks: { ...now().masks, ...part } })
  const { objects, empty } = exports.count(scope)
  const none = !objects || exports.busy !== undefined
  return card('export', 'Export', {
    hint: objects
      ? `${counted(objects, 'object')}${empty ? `, ${empty} without a mask left out` : ''}`
      : 'nothing to export yet',
    body: html`<div class="export-what">
        ${dropDown('What is exported', scopes, { value: scope, choose: next => change({ scope: next }) })}
        ${dropDown('Format', formats, { value: format, choose: next => change({ format: next }) })}
      </div>
      <p class="hint">${exportFormats[format].what}</p>
      <details
        class="options"
        ?open=${state.edges}
        @toggle=${(event: Event) => app.set({ edges: (event.target as HTMLDetailsElement).open })}
      >
        <summary>Edges</summary>
        <div class="option-list">
          ${
            hasShapes(format)
              ? segments(
                  'Form of the masks',
                  [
                    ['mask', 'RLE or brush'],
                    ['polygon', 'Polygons']
                  ] as const,
                  {
                    value: masks.shapes,
                    choose: shapes => changeMasks({ shapes })
                  }
                )
              : nothing
          }
          ${slider('Remove islands and holes', {
            value: masks.minArea ? Math.log10(masks.minArea) : 0,
            max: 4,
            step: 0.25,
            shown: masks.minArea ? `below ${masks.minArea} px` : 'off',
            change: power => changeMasks({ minArea: power ? Math.round(10 ** power) : 0 })
          })}
          ${writesOutlines(format, masks.shapes) ? outlineOptions(app, changeMasks) : nothing}
          ${
            usesFeather(format)
              ? slider('Feather', {
                  value: masks.feather,
                  max: 32,
                  step: 1,
                  shown: masks.feather ? `${masks.feather} px` : 'off',
                  change: feather => changeMasks({ feather })
                })
              : nothing
          }
        </div>
      </details>
      <div class="row">
        ${textButton('save', 'Export', {
          class: 'button primary',
          disabled: none,
          onclick: () => void exports.download(now())
        })}
        ${textButton('copy', 'Copy cut-out', {
          class: 'button',
          title: `Copies ${annotator.active?.name ?? 'all objects of the picture'} as a PNG`,
          disabled: exports.count(annotator.active ? 'object' : 'picture').objects === 0 || exports.busy !== undefined,
          onclick: () => void exports.copy(now().masks)
        })}
      </div>`
  })
}

function outlineOptions(app: App, change: (part: Partial<MaskOptions>) => void): TemplateResult {
  const { exports, state } = app
  const { masks } = state.exportSettings
  const vertices = state.edges ? exports.outlines(state.exportSettings)?.vertices : undefined
  const px = masks.simplify ? `${masks.simplify} px` : 'exact'
  return html`<label class="check">
      <input
        type="checkbox"
        .checked=${masks.smooth}
        @change=${(event: Event) => change({ smooth: (event.target as HTMLInputElement).checked })}
      />
      Smooth edges
    </label>
    ${slider('Outline tolerance', {
      value: masks.simplify,
      max: 8,
      step: 0.25,
      shown: `${px} · ${vertices === undefined ? 'counting' : vertices.toLocaleString('en')} vertices`,
      change: simplify => change({ simplify })
    })}`
}
