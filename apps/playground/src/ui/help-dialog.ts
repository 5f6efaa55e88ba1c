import { keyHelp } from '@sam/annotator'
import { html, type TemplateResult } from 'lit-html'
import { pageKeys } from '../keys.js'

/** The shortcuts. */
export const helpDialog = (): TemplateResult =>
  html`<dl class="keys">
    ${[...keyHelp, ...pageKeys.map(({ shown, what }) => [shown, what] as const)].map(
      ([keys, what]) =>
        html`<div>
          <dt>${keys}</dt>
          <dd>${what}</dd>
        </div>`
    )}
  </dl>`
