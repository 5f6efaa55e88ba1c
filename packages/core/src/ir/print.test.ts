import { describe, expect, it } from 'vitest'
import * as ops from '../ops/index.js'
import { f32, full } from '../tensor/tensor.js'
import { graph } from './graph.js'
import { print } from './print.js'
import { constant, input, param } from './value.js'

const x = input('x', [2, 3])

describe('print', () => {
  it('prints one line per value, and leaves by name', () => {
    const y = ops.linear(x, param('mlp.lin1.weight', [4, 3]), param('mlp.lin1.bias', [4]))
    const g = graph('block', { y: ops.softmax(y), top: ops.slice(y, 0, { start: 0, size: 1 }), x }, [
      x,
      input('unused', [1], 'i32')
    ])
    expect(print(g)).toMatchInlineSnapshot(`
      "block(x: f32[2,3], unused: i32[1])
        %0: f32[2,4] = linear(x, mlp.lin1.weight, mlp.lin1.bias)
        %1: f32[2,4] = softmax(%0) axis=1
        %2: f32[1,4] = slice(%0) start=[0,0] shape=[1,4]
        return y = %1: f32[2,4]
        return top = %2: f32[1,4]
        return x = x: f32[2,3]"
    `)
  })

  it('prints small constants and hashes of large ones', () => {
    const large = (value: number) => constant(full('f32', [3, 3], value))
    const g = graph('constants', {
      sum: ops.add(x, 0.1),
      row: ops.mul(x, constant(f32([3], [1, 2, 1e-9]))),
      a: large(1),
      b: large(1),
      c: large(2)
    })
    expect(print(g)).toMatchInlineSnapshot(`
      "constants(x: f32[2,3])
        %0: f32[1,1] = reshape(f32{0.1}) shape=[1,1]
        %1: f32[2,3] = broadcast(%0) shape=[2,3]
        %2: f32[2,3] = add(x, %1)
        %3: f32[1,3] = reshape(f32[3]{1 2 1e-9}) shape=[1,3]
        %4: f32[2,3] = broadcast(%3) shape=[2,3]
        %5: f32[2,3] = mul(x, %4)
        return sum = %2: f32[2,3]
        return row = %5: f32[2,3]
        return a = f32[3,3]{#fa662fd8}: f32[3,3]
        return b = f32[3,3]{#fa662fd8}: f32[3,3]
        return c = f32[3,3]{#e988855}: f32[3,3]"
    `)
  })
})
