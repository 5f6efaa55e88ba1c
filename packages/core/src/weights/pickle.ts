import { failAt, type Fail } from './fail.js'
import { pickleOperationLimit } from './limits.js'
import { brief, WeightsError } from '../errors.js'

/**
 * What a pickle unpacks to: null, booleans, numbers (bigint past 2^53), strings, bytes, arrays (frozen for tuples),
 * Maps for dicts, Sets, and whatever the allowed globals and persistent ids answer. Nothing in a pickle names code that
 * runs.
 */
export type PickleValue = unknown

/** A global a pickle may name. Without `call` it can only be passed along, as storage types are. */
export interface PickleGlobal {
  readonly global: string
  /**
   * Stands in for calling it, or for making one of its kind: plain data in, plain data out, or `fail` with what is
   * wrong.
   */
  readonly call?: (args: readonly PickleValue[], fail: Fail) => PickleValue
}

interface PickleRules {
  /** What messages call the file. */
  readonly label: string
  /** The only globals that may be named, by `module.name`. */
  readonly globals: ReadonlyMap<string, PickleGlobal>
  /** Resolves a persistent id. */
  readonly persistent: (id: PickleValue) => PickleValue
}

const highestProtocol = 5

/**
 * Unpacks the subset of pickle that `torch.save` writes, without running anything: an operation outside the list below,
 * or a global outside `rules.globals`, is an error that names it, `WeightsError` `E_WEIGHTS_UNSAFE`. Malformed or
 * cut-off input is `E_WEIGHTS_FORMAT`.
 */
export function unpickle(bytes: Uint8Array, { label, globals, persistent }: PickleRules): PickleValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const memo = new Map<number, PickleValue>()
  const marks: PickleValue[][] = []
  let stack: PickleValue[] = []
  let at = 0

  const fail: Fail = text => failAt(label)(`pickle ${text} (near byte ${at})`)
  const refuse: Fail = text =>
    failAt(label, 'E_WEIGHTS_UNSAFE')(`pickle ${text}, which is not allowed; nothing was run`)

  /** Moves past `length` bytes that must be there, and answers where they begin. */
  const take = (length: number): number => {
    if (length > bytes.length - at) fail('is cut off')
    at += length
    return at - length
  }
  const u8 = (): number => view.getUint8(take(1))
  const u16 = (): number => view.getUint16(take(2), true)
  const u32 = (): number => view.getUint32(take(4), true)
  const u64 = (): number => Number(view.getBigUint64(take(8), true))
  const raw = (length: number): Uint8Array => bytes.subarray(take(length), at)
  const text = (length: number): string => {
    try {
      return utf8.decode(raw(length))
    } catch (error) {
      return error instanceof WeightsError ? fail('is cut off') : fail('holds text that is not UTF-8')
    }
  }
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) return fail('is cut off')
    const out = text(end - at)
    at++
    return out
  }

  const push = (value: PickleValue): void => {
    stack.push(value)
  }
  const pop = (): PickleValue => (stack.length ? stack.pop() : fail('takes from an empty stack'))
  const popMark = (): PickleValue[] => {
    const items = stack
    stack = marks.pop() ?? fail('has no mark to go back to')
    return items
  }
  const top = (): PickleValue => (stack.length ? stack.at(-1) : fail('looks at an empty stack'))

  const global = (name: string): PickleGlobal => globals.get(name) ?? refuse(`names "${brief(name)}"`)
  const call = (): void => {
    const args = pop()
    const callee = pop()
    if (!isGlobal(callee) || !callee.call) return void refuse(`calls ${describe(callee)}`)
    if (!isTuple(args)) return void fail('calls with arguments that are not a tuple')
    push(callee.call(args, fail))
  }
  const tuple = (count: number): void => {
    if (stack.length < count) fail('takes from an empty stack')
    push(Object.freeze(stack.splice(stack.length - count)))
  }
  const append = (items: readonly PickleValue[]): void => {
    const list = top()
    if (isInert(list)) return
    if (!Array.isArray(list) || Object.isFrozen(list)) return void refuse(`appends to ${describe(list)}`)
    for (const item of items) list.push(item)
  }
  const setItems = (items: readonly PickleValue[]): void => {
    const dict = top()
    if (isInert(dict)) return
    if (!(dict instanceof Map)) return void refuse(`sets items of ${describe(dict)}`)
    if (items.length % 2) fail('has a key without a value')
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
  }
  const addItems = (items: readonly PickleValue[]): void => {
    const set = top()
    if (!(set instanceof Set) || Object.isFrozen(set)) return void refuse(`adds items to ${describe(set)}`)
    for (const item of items) set.add(item)
  }
  const build = (): void => {
    pop()
    // Attributes of a dict (torch hangs `_metadata` on a state_dict) and the state of inert objects are not needed.
    if (!(top() instanceof Map) && !isInert(top())) refuse(`sets the state of ${describe(top())}`)
  }
  const long = (length: number): void => {
    const digits = Array.from(raw(length), byte => byte.toString(16).padStart(2, '0')).reverse()
    const value = BigInt.asIntN(8 * length, BigInt(`0x0${digits.join('')}`))
    push(Number.isSafeInteger(Number(value)) ? Number(value) : value)
  }
  const recall = (index: number): void =>
    push(memo.has(index) ? memo.get(index) : fail(`recalls ${index}, which it never memorised`))

  for (let operation = 0; operation < pickleOperationLimit; operation++) {
    const opcode = u8()
    switch (opcode) {
      case 0x80:
        if (u8() > highestProtocol) fail(`has a protocol above ${highestProtocol}`)
        break // PROTO
      case 0x95:
        take(8)
        break // FRAME
      case 0x28:
        marks.push(stack)
        stack = []
        break // MARK
      case 0x30:
        pop()
        break // POP
      case 0x31:
        popMark()
        break // POP_MARK
      case 0x4e:
        push(null)
        break // NONE
      case 0x88:
        push(true)
        break // NEWTRUE
      case 0x89:
        push(false)
        break // NEWFALSE
      case 0x4a:
        push(view.getInt32(take(4), true))
        break // BININT
      case 0x4b:
        push(u8())
        break // BININT1
      case 0x4d:
        push(u16())
        break // BININT2
      case 0x8a:
        long(u8())
        break // LONG1
      case 0x47:
        push(view.getFloat64(take(8)))
        break // BINFLOAT
      case 0x58:
        push(text(u32()))
        break // BINUNICODE
      case 0x8c:
        push(text(u8()))
        break // SHORT_BINUNICODE
      case 0x8d:
        push(text(u64()))
        break // BINUNICODE8
      case 0x54:
        push(latin1(raw(u32())))
        break // BINSTRING
      case 0x55:
        push(latin1(raw(u8())))
        break // SHORT_BINSTRING
      case 0x42:
        push(raw(u32()))
        break // BINBYTES
      case 0x43:
        push(raw(u8()))
        break // SHORT_BINBYTES
      case 0x8e:
      case 0x96:
        push(raw(u64()))
        break // BINBYTES8, BYTEARRAY8
      case 0x29:
        tuple(0)
        break // EMPTY_TUPLE
      case 0x85:
        tuple(1)
        break // TUPLE1
      case 0x86:
        tuple(2)
        break // TUPLE2
      case 0x87:
        tuple(3)
        break // TUPLE3
      case 0x74: {
        const items = popMark()
        push(Object.freeze(items))
        break
      } // TUPLE
      case 0x5d:
        push([])
        break // EMPTY_LIST
      case 0x61: {
        const item = pop()
        append([item])
        break
      } // APPEND
      case 0x65: {
        const items = popMark()
        append(items)
        break
      } // APPENDS
      case 0x7d:
        push(new Map())
        break // EMPTY_DICT
      case 0x73: {
        const value = pop()
        const key = pop()
        setItems([key, value])
        break
      } // SETITEM
      case 0x75: {
        const items = popMark()
        setItems(items)
        break
      } // SETITEMS
      case 0x8f:
        push(new Set())
        break // EMPTY_SET
      case 0x90: {
        const items = popMark()
        addItems(items)
        break
      } // ADDITEMS
      case 0x91: {
        const items = popMark()
        push(Object.freeze(new Set(items)))
        break
      } // FROZENSET
      case 0x32:
        push(top())
        break // DUP
      case 0x71:
        memo.set(u8(), top())
        break // BINPUT
      case 0x72:
        memo.set(u32(), top())
        break // LONG_BINPUT
      case 0x94:
        memo.set(memo.size, top())
        break // MEMOIZE
      case 0x68:
        recall(u8())
        break // BINGET
      case 0x6a:
        recall(u32())
        break // LONG_BINGET
      case 0x63:
        push(global(`${line()}.${line()}`))
        break // GLOBAL
      case 0x93: {
        const [name, module] = [pop(), pop()]
        if (typeof module !== 'string' || typeof name !== 'string')
          return refuse(`names a global by ${describe(module)} and ${describe(name)} instead of two texts`)
        push(global(`${module}.${name}`))
        break
      } // STACK_GLOBAL
      case 0x52:
      case 0x81:
        call()
        break // REDUCE, NEWOBJ
      case 0x62:
        build()
        break // BUILD
      case 0x51:
        push(persistent(pop()))
        break // BINPERSID
      case 0x2e: {
        // STOP
        if (at !== bytes.length) fail('goes on after its end')
        return pop()
      }
      default:
        refuse(`uses the operation 0x${opcode.toString(16).padStart(2, '0')}`)
    }
  }
  return fail(`has more than ${pickleOperationLimit} operations`)
}

const inert = Symbol('inert')

/**
 * A global whose objects are kept as a token without content, whatever their arguments, items and state, so that a file
 * that mentions it beside its weights can be read.
 */
export const inertGlobal = (global: string): PickleGlobal => ({ global, call: () => ({ [inert]: global }) })

const isInert = (value: PickleValue): value is { readonly [inert]: string } =>
  typeof value === 'object' && value !== null && inert in value

/** Whether a value is a global itself, not an object made with it. */
export const isGlobal = (value: PickleValue): value is PickleGlobal =>
  typeof value === 'object' && value !== null && 'global' in value

/** Tuples are the frozen arrays. */
const isTuple = (value: PickleValue): value is readonly PickleValue[] => Array.isArray(value) && Object.isFrozen(value)

/** A value's kind, for messages. */
export function describe(value: PickleValue): string {
  if (isGlobal(value)) return JSON.stringify(value.global)
  if (value instanceof Set) return 'a set'
  if (isInert(value)) return `an object of ${value[inert]}`
  if (value === null) return 'None'
  if (Array.isArray(value)) return isTuple(value) ? 'a tuple' : 'a list'
  return value instanceof Map ? 'a dict' : `a ${typeof value}`
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** In pieces, since each character is an argument. */
function latin1(bytes: Uint8Array): string {
  let out = ''
  for (let at = 0; at < bytes.length; at += 4096) out += String.fromCharCode(...bytes.subarray(at, at + 4096))
  return out
}
