/** Starts a download of a file. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Opens a file picker. Returns the chosen files; empty if none was chosen. */
export function chooseFiles(
  options: Partial<Pick<HTMLInputElement, 'accept' | 'multiple' | 'webkitdirectory'>>
): Promise<File[]> {
  const input = Object.assign(document.createElement('input'), { type: 'file', ...options })
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]))
    input.addEventListener('cancel', () => resolve([]))
    input.click()
  })
}

/** The text of a field of a form, without spaces around it. */
export function textOf(data: FormData, name: string): string {
  const value = data.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
