import { failAt, type Fail } from './fail.js'
import { describe, inertGlobal, isGlobal, unpickle, type PickleGlobal, type PickleValue } from './pickle.js'
import { weightSource, type ByteSource, type WeightEntry, type WeightInfo, type WeightSource } from './source.js'
import { storedBytes, type StoredDType } from './stored.js'
import { checkStrided, stridedEntry, type Strided } from './strided.js'
import { storageNames } from './torch-types.js'
import { openZip, readEntry, type ZipArchive, type ZipEntry } from './zip.js'

/** The longest `data.pkl` read, in bytes; the largest checkpoints need a hundredth of it. */
const pickleLimit = 2 ** 24

/**
 * Opens a checkpoint of `torch.save` (PyTorch 1.6 and later): a zip of stored tensors and a pickle that says what they
 * are. The pickle is read by an allow-list and runs nothing. Takes a state_dict, or a dict that holds one under
 * `model`, `state_dict` or `model_state_dict`; anything beside it (optimizer, epoch, `argparse.Namespace`) is passed
 * over. Views that are not contiguous are gathered when read. Throws `WeightsError`: `E_WEIGHTS_FORMAT`,
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
  const tensors = [...stateDict(loaded, fail)].filter(
    (pair): pair is [string, TorchTensor] => typeof pair[0] === 'string' && isTensor(pair[1])
  )
  if (tensors.length === 0) fail('holds no tensors; save model.state_dict() with torch.save')

  // On a local file every local header is read now, so that `locate` can answer at once; over a network each comes with
  // its tensor.
  const entries: WeightEntry[] = []
  const local = source.path !== undefined
  for (const [name, tensor] of tensors) {
    checkStrided(tensor, tensor.storage.numel, `${label}: tensor '${name}'`)
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

/** torch._utils#_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks): a view, not yet checked. */
function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[], fail: Fail): TorchTensor {
  if (!isStorage(storage) || typeof offset !== 'number' || !isNumbers(shape) || !isNumbers(strides)) {
    return fail('makes a tensor of something else than a storage, an offset, a size and strides')
  }
  return { kind: 'tensor', dtype: storage.dtype, storage, offset, shape, strides }
}

const isNumbers = (value: PickleValue): value is readonly number[] =>
  Array.isArray(value) && value.every(n => typeof n === 'number')

const storageTypes = new Map(
  Object.entries(storageNames).map(([dtype, name]) => [`torch.${name}`, dtype as StoredDType])
)

/**
 * All that a checkpoint may name. The last group are things that stand beside weights in training checkpoints; they
 * become tokens without content, whatever their arguments and state. Anything else is refused by its name.
 */
const globals: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    { global: 'collections.OrderedDict', call: (): PickleValue => new Map() },
    { global: 'torch._utils._rebuild_tensor_v2', call: rebuildTensor },
    { global: 'torch._utils._rebuild_parameter', call: ([data]: readonly PickleValue[]): PickleValue => data },
    { global: 'torch.Size', call: ([sizes]: readonly PickleValue[]): PickleValue => sizes },
    ...[...storageTypes.keys()].map(global => ({ global })),
    ...[
      'argparse.Namespace',
      'pathlib.PosixPath',
      'pathlib.WindowsPath',
      'torch.device',
      '_codecs.encode',
      'numpy.dtype',
      'numpy.core.multiarray.scalar',
      'numpy._core.multiarray.scalar'
    ].map(inertGlobal)
  ].map(allowed => [allowed.global, allowed])
)

/** A persistent id is ('storage', storage type, key, device, elements). */
function storageOf(id: PickleValue, find: (key: string) => ZipEntry | undefined, fail: Fail): TorchStorage {
  const [tag, type, key, , numel] = Array.isArray(id) ? (id as readonly PickleValue[]) : []
  const dtype = isGlobal(type) ? storageTypes.get(type.global) : undefined
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || typeof numel !== 'number')
    return fail('names a storage in an unknown form')
  const entry = find(key) ?? fail(`names the storage '${key}', which is not in the archive`)
  if (entry.size !== numel * storedBytes[dtype])
    fail(`storage '${key}' must have ${numel} × ${storedBytes[dtype]} bytes, has ${entry.size}`)
  return { kind: 'storage', dtype, numel, entry }
}

const wrappers = ['model', 'state_dict', 'model_state_dict']

/** The dict of tensors: the root, or what it holds under a usual name. */
function stateDict(root: PickleValue, fail: Fail): ReadonlyMap<PickleValue, PickleValue> {
  const found = isTensor(root) ? 'one tensor' : describe(root)
  if (!(root instanceof Map))
    return fail(`must hold a dict of tensors, found ${found}; save model.state_dict() with torch.save`)
  const inner: unknown = wrappers
    .map((name): unknown => root.get(name))
    .find(value => value instanceof Map && value !== root)
  return inner instanceof Map && [...inner.values()].some(isTensor) ? inner : root
}

const infoOf = (name: string, { dtype, shape }: TorchTensor): WeightInfo => ({ name, dtype, shape: [...shape] })

/** Finds where a tensor lies, and makes its entry. */
const entryOf =
  (source: ByteSource, name: string, tensor: TorchTensor) =>
  async (signal?: AbortSignal): Promise<WeightEntry> => {
    const start = (await tensor.storage.entry.dataOffset(signal)) + tensor.offset * storedBytes[tensor.dtype]
    return stridedEntry(source, name, { ...tensor, start })
  }
