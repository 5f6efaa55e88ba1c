import { icon } from './icons.js'
import { h } from './dom.js'

const key = 'sam-theme'

/** Toggles dark and light. Default: the system's colour scheme. */
export function themeButton(): HTMLButtonElement {
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  const isDark = (): boolean => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'
  const show = (): void => {
    const label = isDark() ? 'Light colours' : 'Dark colours'
    button.replaceChildren(icon(isDark() ? 'sun' : 'moon'))
    button.setAttribute('aria-label', label)
    button.title = label
  }
  const button = h('button', {
    type: 'button',
    class: 'icon-button',
    onclick: () => {
      root.dataset.theme = isDark() ? 'light' : 'dark'
      localStorage.setItem(key, root.dataset.theme)
      show()
    }
  })
  const chosen = localStorage.getItem(key)
  if (chosen === 'dark' || chosen === 'light') root.dataset.theme = chosen
  system.addEventListener('change', show)
  show()
  return button
}
