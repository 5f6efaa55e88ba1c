import type { StoredDType } from './stored.js'

/** Names of torch's typed storages, as a pickle mentions them. */
export const storageNames: Readonly<Record<StoredDType, string>> = {
  F64: 'DoubleStorage',
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage'
}
