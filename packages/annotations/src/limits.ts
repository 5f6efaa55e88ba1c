/** Pixels of an image: the limit of `decodeImage`. */
export const imagePixelLimit = 0x3fff * 0x3fff
/** Bytes of one annotation file, unless the caller allows more: JSON takes up to thirty times its size in memory. */
export const fileByteLimit = 2 ** 27
/** Bytes of a YAML file and of a label map. */
export const settingsByteLimit = 2 ** 20
/** Characters of a line with a file name or a class name. */
export const nameLineLimit = 4096
/** Nesting of XML elements; CVAT needs 5. */
export const xmlDepthLimit = 32
/** Rows that all edges of one polygon cross together: what filling it costs. */
export const edgeRowLimit = 2 ** 30
/** Aliases of a YAML file. A label file needs none. */
export const yamlAliasLimit = 100
/** Pixels of a PNG with labels. */
export const labelPixelLimit = 2 ** 27
