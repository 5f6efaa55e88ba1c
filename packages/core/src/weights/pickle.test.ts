import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inertGlobal, unpickle, type PickleGlobal, type PickleValue } from './pickle.js'
import { pickleOperationLimit } from './limits.js'
import { SamError } from '../errors.js'

const allowed: PickleGlobal[] = [
  { global: 'a.pair', call: ([x, y]) => ({ x, y }) },
  { global: 'a.name' },
  inertGlobal('a.Thing')
]
const globals = new Map(allowed.map(g => [g.global, g]))
/** Latin-1 text as bytes: pickles are written here as their opcodes. */
const load = (text: string | Uint8Array): PickleValue =>
  unpickle(typeof text === 'string' ? Uint8Array.from(text, c => c.charCodeAt(0)) : text, {
    label: 'x.pth',
    globals,
    persistent: id => ({ id })
  })
const errorOf = (text: string): SamError => {
  try {
    load(text)
  } catch (error) {
    expect(error).toBeInstanceOf(SamError)
    return error as SamError
  }
  throw new Error('did not throw')
}

describe('unpickle', () => {
  it.each<[string, string, unknown]>([
    ['None', 'N.', null],
    ['booleans', '(\x88\x89t.', [true, false]],
    ['integers', '(K\xffM\xff\xffJ\xff\xff\xff\xfft.', [255, 65535, -1]],
    ['a long', '\x8a\x05\x00\x00\x00\x00\x01.', 2 ** 32],
    ['a negative long', '\x8a\x01\xff.', -1],
    ['a long of no bytes', '\x8a\x00.', 0],
    ['a long past 2^53', '\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x01.', 2n ** 56n],
    ['a float', 'G\x3f\xf8\x00\x00\x00\x00\x00\x00.', 1.5],
    ['texts', '(X\x02\x00\x00\x00\xc3\xa9\x8c\x01aU\x01\xe9t.', ['é', 'a', 'é']],
    ['a list', '](K\x01K\x02eK\x03a.', [1, 2, 3]],
    [
      'a dict',
      '}(K\x01K\x02uK\x03K\x04s.',
      new Map([
        [1, 2],
        [3, 4]
      ])
    ],
    ['tuples', 'K\x01\x85K\x02\x86.', [[1], 2]],
    ['memos', ']q\x05h\x05\x86.', [[], []]],
    ['a persistent id', 'K\x07Q.', { id: 7 }],
    ['an allowed call', 'ca\npair\nK\x01K\x02\x86R.', { x: 1, y: 2 }],
    [
      'an allowed call, protocol 4',
      '\x80\x04\x95\0\0\0\0\0\0\0\0\x8c\x01a\x94\x8c\x04pair\x94\x93\x94K\x01K\x02\x86R.',
      { x: 1, y: 2 }
    ],
    ['an unused value', 'N0K\x01.', 1]
  ])('reads %s', (_, text, value) => {
    expect(load(text)).toEqual(value)
  })

  it('keeps objects of inert globals as tokens and drops their state', () => {
    const thing = load('ca\nThing\n)\x81}X\x01\x00\x00\x00aK\x01sb.') as object
    expect(Object.keys(thing)).toEqual([])
  })

  it('keeps __proto__ as an ordinary key', () => {
    const dict = load('}X\x09\x00\x00\x00__proto__}X\x08\x00\x00\x00pollutedK\x01ss.') as Map<string, unknown>
    expect([...dict.keys()]).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('follows a list that holds itself', () => {
    const list = load(']q\x00h\x00a.') as unknown[]
    expect(list[0]).toBe(list)
  })

  it.each<[string, string, string]>([
    ['os.system', 'cos\nsystem\nX\x02\x00\x00\x00id\x85R.', 'os.system'],
    ['builtins.eval', 'c__builtin__\neval\n.', '__builtin__.eval'],
    ['a global made of two texts', '\x8c\x02os\x8c\x06system\x93.', 'os.system'],
    ['a global that names a property', 'c__proto__\nconstructor\n.', '__proto__.constructor'],
    ['calling a global that is only a name', 'ca\nname\n)R.', 'calls "a.name"'],
    ['calling a value', 'K\x01)R.', 'calls a number'],
    ['making an object of a value', '])\x81.', 'calls a list'],
    ['setting the state of a global', 'ca\npair\nNb.', 'sets the state of "a.pair"'],
    ['setting the state of a list', ']Nb.', 'sets the state of a list'],
    ['appending to a tuple', ')Na.', 'appends to a tuple'],
    ['appending to a dict', '}Na.', 'appends to a dict'],
    ['setting items of a list', ']NNs.', 'sets items of a list'],
    ['INST', '(ios\nsystem\n.', '0x69'],
    ['OBJ', '(No.', '0x6f'],
    ['EXT1', '\x82\x01.', '0x82'],
    ['EXT4', '\x84\x01\x00\x00\x00.', '0x84'],
    ['a persistent id as text', 'Pid\n.', '0x50'],
    ['NEWOBJ_EX', 'NNN\x92.', '0x92'],
    ['a decimal integer', 'I1\n.', '0x49']
  ])('refuses %s', (_, text, name) => {
    const error = errorOf(text)
    expect(error.code).toBe('E_WEIGHTS_UNSAFE')
    expect(error.message).toContain(name)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no end', 'N'],
    ['text after the end', 'N.N.'],
    ['a text that is cut off', 'X\xff\xff\xff\x7fa.'],
    ['a text of 2^62 bytes', '\x8d\x00\x00\x00\x00\x00\x00\x00\x40a.'],
    ['a text that is not UTF-8', 'X\x01\x00\x00\x00\xff.'],
    ['a global without an end', 'cos'],
    ['an empty stack', '.'],
    ['taking from below a mark', 'N(0.'],
    ['a mark that is not there', 't.'],
    ['a memo that was never set', 'h\x01.'],
    ['a key without a value', '}(Nu.'],
    ['arguments that are no tuple', 'ca\npair\nNR.'],
    ['a protocol from the future', '\x80\x63N.']
  ])('refuses %s', (_, text) => {
    expect(errorOf(text).code).toBe('E_WEIGHTS_FORMAT')
  })

  it('bounds the number of operations', () => {
    expect(errorOf('('.repeat(pickleOperationLimit + 1)).message).toContain('operations')
    expect(errorOf('\x5d' + 'q\x00h\x00a'.repeat(pickleOperationLimit / 2)).message).toContain('operations')
  })

  it('throws only SamError, whatever the bytes', () => {
    const opcodes = [...'\x80\x95(01N\x88\x89JKM\x8aGX\x8c\x8dTUBC)\x85\x86\x87t]ae}suqr\x94hjc\x93R\x81bQ.'].map(c =>
      c.charCodeAt(0)
    )
    const byte = fc.oneof(fc.constantFrom(...opcodes), fc.nat(255), fc.nat(3))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), bytes => {
        try {
          load(Uint8Array.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(SamError)
        }
      }),
      { numRuns: 5000 }
    )
  })
})
