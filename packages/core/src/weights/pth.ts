import { failAt, type Fail } from './fail.js'
import { dictDepthLimit, nameLimit, pickleLimit, rankLimit, tensorLimit } from './limits.js'
import { describe, inertGlobal, isGlobal, unpickle, type PickleGlobal, type PickleValue } from './pickle.js'
import { samPrefixes } from './sam-prefix.js'
import { weightSource, type ByteSource, type WeightEntry, type WeightInfo, type WeightSource } from './source.js'
import { storedBytes, type StoredDType } from './stored.js'
import { checkStrided, stridedEntry, type Strided } from './strided.js'
import { storageNames } from './torch-types.js'
import { openZip, readEntry, type ZipArchive, type ZipEntry } from './zip.js'
import { brief } from '../errors.js'

/**
 * Opens a checkpoint of `torch.save` (PyTorch 1.6 and later): a zip of stored tensors and a pickle that says what they
 * are. The pickle is read by an allow-list and runs nothing. Takes a state_dict, or a dict that holds one at any key:
 * see {@link namedTensors}. Anything beside it (epoch, `argparse.Namespace`, what else `torch.load(weights_only=True)`
 * reads) is skipped. Views that are not contiguous are gathered when read. Throws `WeightsError`: `E_WEIGHTS_FORMAT`,
 * `E_WEIGHTS_UNSAFE`.
 */
export async function openPth(source: ByteSource, signal?: AbortSignal): Promise<WeightSource> {
  const label = source.name
  const fail = failAt(label)
  const archive = await openZip(source, signal)
  const root = rootOf(archive, fail)
  const byteOrder = archive.get(`${root}byteorder`)
  const order = byteOrder
    ? String.fromCharCode(...(await readEntry(source, byteOrder, { limit: 16, signal })))
    : 'little'
  if (order !== 'little') fail(`must be little-endian, was saved on a ${order}-endian machine`)

  const pickle = await readEntry(source, archive.get(`${root}data.pkl`)!, { limit: pickleLimit, signal })
  const loaded = unpickle(pickle, {
    label,
    globals,
    persistent: id => storageOf(id, key => archive.get(`${root}data/${key}`), fail)
  })
  const tensors = namedTensors(loaded, fail)
  if (tensors.length === 0) fail('holds no tensors; save model.state_dict() with torch.save')

  // On a local file every local header is read now, so that `locate` can answer at once; over a network each comes with
  // its tensor.
  const entries: WeightEntry[] = []
  const local = source.path !== undefined
  for (const [name, tensor] of tensors) {
    checkStrided(tensor, tensor.storage.numel, `${label}: tensor '${brief(name)}'`)
    const find = entryOf(source, name, tensor)
    entries.push(
      local ? await find(signal) : { ...infoOf(name, tensor), bytes: async stop => (await find(stop)).bytes(stop) }
    )
  }
  return weightSource(label, entries, { close: () => source.close() })
}

/** The folder of the archive that `data.pkl` is in, with its slash. */
function rootOf(archive: ZipArchive, fail: Fail): string {
  const pickles = [...archive.keys()].filter(name => /^([^/]+\/)?data\.pkl$/.test(name))
  if (pickles.length !== 1) fail(`must hold one data.pkl, as torch.save writes it, holds ${pickles.length}`)
  const root = pickles[0].slice(0, -'data.pkl'.length)
  if (archive.has(`${root}constants.pkl`))
    fail('is a TorchScript program; save the weights with torch.save(torch.jit.load(file).state_dict(), file)')
  return root
}

interface TorchStorage {
  readonly kind: 'storage'
  readonly dtype: StoredDType
  readonly numel: number
  readonly entry: ZipEntry
}
interface TorchTensor extends Strided {
  readonly kind: 'tensor'
  readonly storage: TorchStorage
}

const isKind = (value: PickleValue, kind: string): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
const isTensor = (value: PickleValue): value is TorchTensor => isKind(value, 'tensor')
const isStorage = (value: PickleValue): value is TorchStorage => isKind(value, 'storage')

/** A storage whose elements are not read, of complex numbers for example, and a tensor of it. */
const opaque = { kind: 'opaque' }

/** torch._utils#_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks): a view, not yet checked. */
function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[], fail: Fail): PickleValue {
  if (storage === opaque) return opaque
  if (!isStorage(storage) || typeof offset !== 'number' || !isNumbers(shape) || !isNumbers(strides)) {
    return fail('makes a tensor of something else than a storage, an offset, a size and strides')
  }
  return { kind: 'tensor', dtype: storage.dtype, storage, offset, shape, strides }
}

/** The rank comes first: many tensors may share one long list. */
const isNumbers = (value: PickleValue): value is readonly number[] =>
  Array.isArray(value) && value.length <= rankLimit && value.every(n => typeof n === 'number')

const storageTypes = new Map(
  Object.entries(storageNames).map(([dtype, name]) => [`torch.${name}`, dtype as StoredDType])
)

/** torch._tensor#_rebuild_from_type_v2(rebuild, type, args, state): a tensor of a subclass, or with attributes. */
function rebuildFromType([rebuild, , args]: readonly PickleValue[], fail: Fail): PickleValue {
  // Nothing is rebuilt twice: arguments that hold themselves would never end.
  if (!isGlobal(rebuild) || !rebuild.call || rebuild.call === rebuildFromType || !Array.isArray(args))
    return fail('makes a tensor in an unknown way')
  return rebuild.call(args as readonly PickleValue[], fail)
}

const first = ([value]: readonly PickleValue[]): PickleValue => value

/** Storages whose elements this SDK does not read: their tensors are skipped. */
const opaqueStorages = ['torch.ComplexDoubleStorage', 'torch.ComplexFloatStorage', 'torch.storage.UntypedStorage']

/** torch's element types, as a checkpoint names them beside its weights. */
const dtypes =
  'float64 float32 float16 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz complex128 complex64 complex32 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool quint8 qint8 qint32 quint4x2 quint2x4'

/** Python's own types under both names of their module: protocol 2 writes that of Python 2. */
const builtins = ['set', 'frozenset', 'complex', 'bytearray', 'bytes'].flatMap(name => [
  `builtins.${name}`,
  `__builtin__.${name}`
])

/**
 * All that a checkpoint may name: what `torch.load(weights_only=True)` reads, and more that stands beside weights in
 * training checkpoints. Those of the last group become tokens without content, whatever their arguments and state.
 * Anything else is refused by its name.
 */
const globals: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    { global: 'collections.OrderedDict', call: (): PickleValue => new Map() },
    { global: 'torch._utils._rebuild_tensor', call: rebuildTensor },
    { global: 'torch._utils._rebuild_tensor_v2', call: rebuildTensor },
    { global: 'torch._utils._rebuild_tensor_v3', call: rebuildTensor },
    { global: 'torch._utils._rebuild_parameter', call: first },
    { global: 'torch._utils._rebuild_parameter_with_state', call: first },
    { global: 'torch._tensor._rebuild_from_type_v2', call: rebuildFromType },
    { global: 'torch.Size', call: first },
    ...[...storageTypes.keys(), ...opaqueStorages].map(global => ({ global })),
    ...dtypes.split(' ').map(name => ({ global: `torch.${name}` })),
    ...['torch.Tensor', 'torch.nn.parameter.Parameter'].map(global => ({ global })),
    ...[
      ...builtins,
      'collections.Counter',
      'collections.defaultdict',
      'argparse.Namespace',
      'pathlib.PosixPath',
      'pathlib.WindowsPath',
      'torch.device',
      'torch.serialization._get_layout',
      'torch._utils._rebuild_meta_tensor_no_storage',
      'torch._utils._rebuild_nested_tensor',
      'torch._utils._rebuild_qtensor',
      'torch._utils._rebuild_sparse_tensor',
      '_codecs.encode',
      'numpy.dtype',
      'numpy.ndarray',
      'numpy.core.multiarray.scalar',
      'numpy.core.multiarray._reconstruct',
      'numpy._core.multiarray.scalar',
      'numpy._core.multiarray._reconstruct'
    ].map(inertGlobal)
  ].map(allowed => [allowed.global, allowed])
)

/** A persistent id is ('storage', storage type, key, device, elements). */
function storageOf(id: PickleValue, find: (key: string) => ZipEntry | undefined, fail: Fail): PickleValue {
  const [tag, type, key, , numel] = Array.isArray(id) ? (id as readonly PickleValue[]) : []
  if (tag === 'storage' && isGlobal(type) && opaqueStorages.includes(type.global)) return opaque
  const dtype = isGlobal(type) ? storageTypes.get(type.global) : undefined
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || typeof numel !== 'number')
    return fail('names a storage in an unknown form')
  const entry = find(key) ?? fail(`names the storage '${brief(key)}', which is not in the archive`)
  if (entry.size !== numel * storedBytes[dtype])
    fail(`storage '${brief(key)}' must have ${numel} × ${storedBytes[dtype]} bytes, has ${entry.size}`)
  return { kind: 'storage', dtype, numel, entry }
}

/** Where training scripts keep a model's state_dict: what stands there counts alone, not a moving average beside it. */
const usualKeys = ['model', 'state_dict', 'model_state_dict']

/**
 * The tensors of a checkpoint by name: the state_dict itself, or what the root holds under a usual key, of several the
 * one with a SAM. Otherwise those
 * of every dict in it, each named by the keys that lead to it (`net.image_encoder.pos_embed`), so that the SAM among
 * them is found by its prefix as in any other file.
 */
function namedTensors(root: PickleValue, fail: Fail): readonly [string, TorchTensor][] {
  const found = isTensor(root) ? 'one tensor' : describe(root)
  if (!(root instanceof Map))
    return fail(`must hold a dict of tensors, found ${found}; save model.state_dict() with torch.save`)
  const usual = usualKeys
    .map((key): PickleValue => root.get(key))
    .filter((value): value is ReadonlyMap<PickleValue, PickleValue> => value instanceof Map && value !== root)
    .filter(dict => [...dict.values()].some(isTensor))
  const from = usual.find(holdsSam) ?? usual[0] ?? root

  const tensors: [string, TorchTensor][] = []
  const seen = new Set<PickleValue>()
  const collect = (dict: ReadonlyMap<PickleValue, PickleValue>, prefix: string, depth: number): void => {
    seen.add(dict)
    for (const [key, value] of dict) {
      if (typeof key !== 'string' && typeof key !== 'number') continue
      if (isTensor(value)) {
        if (tensors.length >= tensorLimit) fail(`must hold at most ${tensorLimit} tensors`)
        tensors.push([nameOf(prefix, key, fail), value])
      } else if (value instanceof Map && !seen.has(value) && depth < dictDepthLimit)
        collect(value, `${nameOf(prefix, key, fail)}.`, depth + 1)
    }
  }
  collect(from, '', 0)
  return tensors
}

const holdsSam = (dict: ReadonlyMap<PickleValue, PickleValue>): boolean =>
  samPrefixes([...dict.keys()].filter(key => typeof key === 'string')).length > 0

function nameOf(prefix: string, key: string | number, fail: Fail): string {
  const name = `${prefix}${key}`
  return name.length > nameLimit
    ? fail(`names must have at most ${nameLimit} characters, found ${name.length}: '${brief(name)}'`)
    : name
}

const infoOf = (name: string, { dtype, shape }: TorchTensor): WeightInfo => ({ name, dtype, shape: [...shape] })

/** Finds where a tensor lies, and makes its entry. */
const entryOf =
  (source: ByteSource, name: string, tensor: TorchTensor) =>
  async (signal?: AbortSignal): Promise<WeightEntry> => {
    const start = (await tensor.storage.entry.dataOffset(signal)) + tensor.offset * storedBytes[tensor.dtype]
    return stridedEntry(source, name, { ...tensor, start })
  }
