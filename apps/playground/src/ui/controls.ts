import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { icon, type IconName } from './icons.js'

export interface ButtonOptions {
  readonly onclick: (event: Event) => void
  /** Its shortcut. */
  readonly key?: string | undefined
  /** What it does, where its name does not say it. */
  readonly title?: string | undefined
  readonly disabled?: boolean | undefined
  readonly pressed?: boolean | undefined
  readonly class?: string | undefined
}

/** A button with an icon alone. */
export const iconButton = (name: IconName, label: string, options: ButtonOptions): TemplateResult =>
  html`<button
    type="button"
    class=${`icon-button ${options.class ?? ''}`}
    aria-label=${label}
    title=${options.key ? `${label} (${options.key})` : label}
    aria-pressed=${options.pressed ?? nothing}
    ?disabled=${options.disabled}
    @click=${options.onclick}
  >
    ${icon(name)}
  </button>`

/** A button with its name, and an icon or none. */
export const textButton = (name: IconName | undefined, label: string, options: ButtonOptions): TemplateResult =>
  html`<button
    type="button"
    class=${options.class ?? 'text-button'}
    title=${options.title ?? (options.key ? `${label} (${options.key})` : nothing)}
    aria-pressed=${options.pressed ?? nothing}
    ?disabled=${options.disabled}
    @click=${options.onclick}
  >
    ${name ? icon(name) : nothing}<span>${label}</span>
  </button>`

/** A wide button with an icon, its name, and a note on what it does. */
export const choiceButton = (
  name: IconName,
  [label, note]: readonly [label: string, note: string],
  onclick: () => Promise<void> | void
): TemplateResult =>
  html`<button type="button" class="choice" @click=${onclick}>
    ${icon(name)}<span><strong>${label}</strong><small>${note}</small></span>
  </button>`

/** A button that opens a dialog, with its name and what is chosen there. */
export const menuButton = (
  [label, note]: readonly [label: string, note: string],
  options: { readonly class: string; readonly title: string; readonly onclick: () => void }
): TemplateResult =>
  html`<button type="button" class=${`choice ${options.class}`} title=${options.title} @click=${options.onclick}>
    <span><strong>${label}</strong><small>${note}</small></span>${icon('chevron')}
  </button>`

interface Choice<T extends string> {
  readonly value: T
  readonly choose: (value: T) => void
}

/** One of several choices, from a list that opens. */
export const dropDown = <T extends string>(
  label: string,
  choices: readonly (readonly [value: T, label: string])[],
  { value, choose, disabled = false }: Choice<T> & { readonly disabled?: boolean }
): TemplateResult =>
  html`<span class="drop-down">
    <select
      class="field"
      aria-label=${label}
      ?disabled=${disabled}
      @change=${(event: Event) => choose((event.target as HTMLSelectElement).value as T)}
    >
      ${choices.map(([option, text]) => html`<option value=${option} .selected=${live(option === value)}>${text}</option>`)}
    </select>
    ${icon('chevron')}
  </span>`

/** One of several choices, side by side, of which one is pressed. */
export const segments = <T extends string>(
  label: string,
  choices: readonly (readonly [value: T, label: string])[],
  { value, choose }: Choice<T>
): TemplateResult =>
  html`<div class="segments" role="group" aria-label=${label}>
    ${choices.map(
      ([choice, text]) =>
        html`<button
          type="button"
          aria-pressed=${choice === value}
          @click=${() => choose(choice)}
        >
          ${text}
        </button>`
    )}
  </div>`

/** A number that is chosen with a slider, with its name and value. */
export const slider = (
  label: string,
  options: { value: number; min?: number; max: number; step: number; shown: string; change: (value: number) => void }
): TemplateResult =>
  html`<label class="slider">
    <span>${label}</span><span class="value" aria-hidden="true">${options.shown}</span>
    <input
      type="range"
      aria-label=${label}
      aria-valuetext=${options.shown}
      min=${options.min ?? 0}
      max=${options.max}
      step=${options.step}
      .value=${String(options.value)}
      @input=${(event: Event) => options.change(Number((event.target as HTMLInputElement).value))}
    />
  </label>`

/** A part of the panel. `tab`: where it is on a phone. */
export const card = (
  tab: string,
  title: string,
  { hint, action, body, hidden = false }: { hint?: unknown; action?: unknown; body: unknown; hidden?: boolean }
): TemplateResult =>
  html`<section class="card" data-tab=${tab} ?hidden=${hidden}>
    <header>
      <h2>${title}</h2>
      ${hint ? html`<span class="hint">${hint}</span>` : nothing}${action ?? nothing}
    </header>
    ${body}
  </section>`
