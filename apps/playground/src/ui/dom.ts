type Child = Node | string | undefined | false

/** An element with properties (`class`, `aria-…`, `data-…` as attributes, functions as listeners) and children. */
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

/** Offers a file for saving. */
export function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob)
  h('a', { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}

/** Asks for a file. Undefined when none was chosen. */
export const chooseFile = async (accept: string): Promise<File | undefined> =>
  (await chosen(h('input', { type: 'file', accept })))[0]

/** Asks for a folder: its files, with those of folders inside. None when none was chosen. */
export const chooseFolder = (): Promise<readonly File[]> => chosen(h('input', { type: 'file', webkitdirectory: true }))

const chosen = (input: HTMLInputElement): Promise<File[]> =>
  new Promise(resolve => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]))
    input.addEventListener('cancel', () => resolve([]))
    input.click()
  })
