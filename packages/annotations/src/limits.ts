/** Pixels of an image: the limit of `decodeImage`. */
export const imagePixelLimit = 0x3fff * 0x3fff
/** Bytes of one annotation file. */
export const fileByteLimit = 2 ** 29
/** Nesting of XML elements; CVAT needs 5. */
export const xmlDepthLimit = 32
/** Rows that all edges of one polygon cross together: what filling it costs. */
export const edgeRowLimit = 2 ** 30
/** Aliases of a YAML file. A label file needs none. */
export const yamlAliasLimit = 100
/** Pixels of a PNG with labels. */
export const labelPixelLimit = 2 ** 27
