import { coco } from './formats/coco.js'
import { cvat } from './formats/cvat.js'
import { geojson } from './formats/geojson.js'
import { labelStudio } from './formats/label-studio.js'
import { labelme } from './formats/labelme.js'
import { svg } from './formats/svg.js'
import { voc } from './formats/voc.js'
import { yolo } from './formats/yolo.js'
import type { Format } from './format.js'

/** All formats by their names. */
export const formats = {
  coco,
  yolo,
  'label-studio': labelStudio,
  labelme,
  voc,
  cvat,
  geojson,
  svg
} as const satisfies Readonly<Record<string, Format>>

export type AnnotationFormat = keyof typeof formats

/** The names of all formats. */
export const annotationFormats = Object.keys(formats) as readonly AnnotationFormat[]
