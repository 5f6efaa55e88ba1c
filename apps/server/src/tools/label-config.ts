import { SaxesParser } from 'saxes'
import { HttpError } from '../http-error.js'

/** A tag of a labelling configuration that marks regions of an image. */
export interface Control {
  readonly tag: string
  readonly name: string
  readonly toName: string
}

/** What a project of Label Studio labels. */
export interface LabelConfig {
  readonly controls: readonly Control[]
  /** The keys of a task's data by the names of the images that show them. */
  readonly images: ReadonlyMap<string, string>
}

/** Reads a labelling configuration. Entities that it declares are not expanded. Throws 400 for what is no XML. */
export function readLabelConfig(xml: string): LabelConfig {
  const controls: Control[] = []
  const images = new Map<string, string>()
  const parser = new SaxesParser({})
  parser.on('error', error => {
    throw new HttpError(400, 'E_BAD_REQUEST', `label_config: must be XML (${error.message})`)
  })
  parser.on('opentag', ({ name: tag, attributes }) => {
    const { name = '', toName, value = '' } = attributes as Record<string, string | undefined>
    if (tag === 'Image') images.set(name, value.replace(/^\$/, ''))
    else if (toName !== undefined) controls.push({ tag, name, toName })
  })
  parser.write(xml).close()
  return { controls, images }
}
