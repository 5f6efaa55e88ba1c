/**
 * What a checkpoint may hold at most. Each limit is checked before the work or the memory that it bounds; all lie far
 * above the largest known models. SECURITY.md lists them.
 */

/** Tensors of one file. ViT-H has 594; large language models reach some ten thousand. */
export const tensorLimit = 100_000

/** Characters of a tensor's name. */
export const nameLimit = 1024

/** Dimensions of a tensor: as many as NumPy has. */
export const rankLimit = 64

/** Bytes of a safetensors header: the limit of the Rust implementation. */
export const safetensorsHeaderLimit = 100_000_000

/** Entries of `__metadata__` in a safetensors header. */
export const metadataLimit = 10_000

/** Bytes of the `data.pkl` of a .pth; the largest checkpoints need a hundredth of it. */
export const pickleLimit = 2 ** 24

/**
 * Operations of a pickle: ten times those of the largest checkpoint. It bounds memory, since one operation makes one
 * value.
 */
export const pickleOperationLimit = 1_000_000

/** Dicts inside dicts, from the root of a .pth to its tensors. */
export const dictDepthLimit = 8

/** Bytes of the central directory of a zip archive: a hundred times that of the largest model. */
export const directoryLimit = 2 ** 26

/** Entries of a zip archive: one for each storage, and some more. */
export const entryLimit = 2 * tensorLimit

/** Fields of an ONNX file, of nodes and tensors at all levels that are read; ViT-H has some ten thousand. */
export const onnxFieldLimit = 1_000_000

/** Bytes of one text in the metadata of an ONNX file. */
export const onnxTextLimit = 2 ** 20

/** Bytes of a `model.safetensors.index.json`. */
export const indexLimit = 2 ** 24

/** Files that one index names: all of them are open at once. */
export const indexPartLimit = 1000

/** Bytes of a file that is downloaded: three times that of ViT-H in f32. */
export const downloadLimit = 2 ** 33

/** Bytes of a downloaded file that is read into memory: lists, and files that the hub does not keep in LFS. */
export const smallFileLimit = 2 ** 24

/** Redirects of one request. */
export const redirectLimit = 5
