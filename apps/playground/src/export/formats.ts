/** The export formats, in the order of the menu. */
export const exportFormats = {
  'cut-out': { label: 'Cut-outs', what: 'PNG with a transparent background, one per object' },
  masks: { label: 'Masks', what: 'PNG, white on black, one per object' },
  labels: { label: 'Label map', what: 'PNG with a number per object, and a table of the numbers' },
  coco: { label: 'COCO', what: 'JSON with RLE or polygons' },
  yolo: { label: 'YOLO', what: 'Text files with polygons' },
  'label-studio': { label: 'Label Studio', what: 'JSON with brush masks or polygons' },
  svg: { label: 'SVG', what: 'Outlines as paths' }
} as const

export type ExportFormat = keyof typeof exportFormats

/** Formats of @sam/annotations. */
export type AnnotationName = Extract<ExportFormat, 'coco' | 'yolo' | 'label-studio' | 'svg'>

/** Formats in which masks can be RLE or brush strokes, or polygons. */
export const hasShapes = (format: ExportFormat): boolean => format === 'coco' || format === 'label-studio'

/** Whether the files consist of outlines, whose vertices are written. */
export const writesOutlines = (format: ExportFormat, shapes: 'mask' | 'polygon'): boolean =>
  format === 'svg' || format === 'yolo' || (hasShapes(format) && shapes === 'polygon')

export const isAnnotationName = (format: ExportFormat): format is AnnotationName =>
  format === 'coco' || format === 'yolo' || format === 'label-studio' || format === 'svg'
