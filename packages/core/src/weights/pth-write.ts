import { asWeightSource } from './safetensors.js'
import { storedBytes } from './stored.js'
import { lengthOf, type WeightInfo, type WeightSource } from './source.js'
import { storageNames } from './torch-types.js'
import { writeZip, type ZipInput } from './zip-write.js'
import { stridesOf } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'

/**
 * Writes a `.pth` that `torch.load` reads, also with `weights_only=True`: a state_dict in the order of the source.
 * Streams chunks and holds one tensor at a time. `prefix` is the folder inside the archive. Types are written as
 * stored; see `storedIn` to write others.
 */
export function writePth(
  tensors: WeightSource | Readonly<Record<string, HostTensor>>,
  { prefix = 'archive', signal }: { prefix?: string; signal?: AbortSignal } = {}
): AsyncGenerator<Uint8Array> {
  const source = asWeightSource(tensors)
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
  const files: ZipInput[] = [
    { name: `${prefix}/data.pkl`, bytes: () => pickleOf(source.names.map(name => source.info(name))) },
    { name: `${prefix}/byteorder`, bytes: () => ascii('little') },
    ...source.names.map(
      (name, i): ZipInput => ({ name: `${prefix}/data/${i}`, bytes: () => source.bytes(name, signal) })
    ),
    { name: `${prefix}/version`, bytes: () => ascii('3\n') }
  ]
  return writeZip(files)
}

/** The pickle, protocol 2, of an OrderedDict of tensors whose storages are called 0, 1, 2 … */
function pickleOf(infos: readonly WeightInfo[]): Uint8Array {
  const out: number[] = []
  const op = (text: string): void => {
    for (let i = 0; i < text.length; i++) out.push(text.charCodeAt(i))
  }
  const bytes = (value: ArrayBufferView): void => {
    for (const byte of new Uint8Array(value.buffer)) out.push(byte)
  }
  const text = (value: string): void => {
    const encoded = new TextEncoder().encode(value)
    op('X')
    bytes(Uint32Array.of(encoded.length))
    bytes(encoded.slice())
  }
  const int = (value: number): void => {
    if (value < 2 ** 31) {
      op('J')
      bytes(Int32Array.of(value))
    } else {
      op('\x8a\x08')
      bytes(BigInt64Array.of(BigInt(value)))
    }
  }
  const tuple = (items: readonly number[]): void => {
    op('(')
    items.forEach(int)
    op('t')
  }

  op('\x80\x02ccollections\nOrderedDict\n)R(')
  infos.forEach((info, i) => {
    text(info.name)
    op('ctorch._utils\n_rebuild_tensor_v2\n((')
    text('storage')
    op(`ctorch\n${storageNames[info.dtype]}\n`)
    text(String(i))
    text('cpu')
    int(lengthOf(info) / storedBytes[info.dtype])
    op('tQ')
    int(0)
    tuple(info.shape)
    tuple(stridesOf(info.shape))
    op('\x89ccollections\nOrderedDict\n)RtR')
  })
  op('u.')
  return Uint8Array.from(out)
}
