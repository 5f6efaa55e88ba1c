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
export function chooseFile(accept: string): Promise<File | undefined> {
  const input = h('input', { type: 'file', accept })
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve(input.files?.[0]))
    input.addEventListener('cancel', () => resolve(undefined))
    input.click()
  })
}
