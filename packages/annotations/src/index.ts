/**
 * Annotation files of segmentation masks: COCO, YOLO, Label Studio, LabelMe, Pascal VOC, CVAT, GeoJSON and SVG.
 * @packageDocumentation
 */
export type { AnnotatedImage, AnnotatedObject, Files, ImageInfo } from './annotated-image.js'
export { annotationFormats, type AnnotationFormat } from './formats.js'
export { detectFormat, isAnnotationFile } from './detect-format.js'
export { readAnnotations, type ReadOptions } from './read-annotations.js'
export { writeAnnotations } from './write-annotations.js'
export { outlines } from './outlines.js'
export type { WriteOptions } from './format.js'
