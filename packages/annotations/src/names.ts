/** The parts of a file name that stay below a folder: without a drive, an address, `.` and `..`. */
const partsOf = (file: string): string[] =>
  file.split(/[/\\]+/).filter(part => !['', '.', '..'].includes(part) && !part.endsWith(':'))

/** An image name as a path below a folder: an annotation file may not lead its reader elsewhere. */
export const relativeName = (file: string): string => partsOf(file).join('/') || 'image'

/** A name without its extension; folders stay. */
export const stemOf = (name: string): string => name.replace(/\.[^./]*$/, '')

/** The last part of a name. */
export const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
