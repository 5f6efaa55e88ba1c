import type { TemplateResult } from 'lit-html'
import { iconButton } from './controls.js'

const key = 'sam-theme'
const root = document.documentElement
const system = matchMedia('(prefers-color-scheme: dark)')
const isDark = (): boolean => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'

/** Applies the theme that the user chose on an earlier visit. Default: the system's colour scheme. */
export function restoreTheme(changed: () => void): void {
  const chosen = localStorage.getItem(key)
  if (chosen === 'dark' || chosen === 'light') root.dataset.theme = chosen
  system.addEventListener('change', changed)
}

/** Toggles dark and light. */
export const themeButton = (changed: () => void): TemplateResult =>
  iconButton(isDark() ? 'sun' : 'moon', isDark() ? 'Light colours' : 'Dark colours', {
    onclick: () => {
      root.dataset.theme = isDark() ? 'light' : 'dark'
      localStorage.setItem(key, root.dataset.theme)
      changed()
    }
  })
