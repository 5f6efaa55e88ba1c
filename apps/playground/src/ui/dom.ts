type Child = Node | string | undefined | false

/** Creates an element. `class`, `aria-…` and `data-…` are set as attributes, functions as listeners. */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Readonly<Record<string, unknown>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value as EventListener)
    else if (name in element && !name.includes('-')) Object.assign(element, { [name]: value })
    else element.setAttribute(name, value === true ? '' : (value as string))
  }
  element.append(...children.filter(c => c !== undefined && c !== false))
  return element
}

/** Starts a download of a file. */
export function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob)
  h('a', { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}

/** Opens a file picker. Undefined if no file was chosen. */
export const chooseFile = async (accept: string): Promise<File | undefined> =>
  (await chosen(h('input', { type: 'file', accept })))[0]

/** Opens a file picker for any number of files. Empty if none was chosen. */
export const chooseFiles = (accept: string): Promise<readonly File[]> =>
  chosen(h('input', { type: 'file', accept, multiple: true }))

/** Opens a folder picker. Returns its files, including subfolders; empty if no folder was chosen. */
export const chooseFolder = (): Promise<readonly File[]> => chosen(h('input', { type: 'file', webkitdirectory: true }))

const chosen = (input: HTMLInputElement): Promise<File[]> =>
  new Promise(resolve => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]))
    input.addEventListener('cancel', () => resolve([]))
    input.click()
  })
