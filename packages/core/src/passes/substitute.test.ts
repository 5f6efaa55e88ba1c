import { expect, it } from 'vitest'
import { graph, paramsOf } from '../ir/graph.js'
import { input, nameOf, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { evaluate } from '../reference/evaluate.js'
import { f32 } from '../tensor/tensor.js'
import { feedParams, substitute } from './substitute.js'

const double = graph('double', { y: ops.mul(input('x', [2]), param('factor', [2])) })

it('substitute: joins graphs, and infers shapes again', () => {
  const rows = ops.broadcastTo(input('row', [2]), [3, 2])
  const joined = substitute(graph('sum', { y: ops.softmax(input('x', [1, 2])) }), v =>
    nameOf(v) === 'x' ? rows : undefined
  )
  expect(joined.outputs.y.shape).toEqual([3, 2])
  expect(joined.inputs.map(nameOf)).toEqual(['row'])
})

it('feedParams: turns params into inputs', () => {
  const fed = feedParams(double)
  expect([paramsOf(fed).length, ...fed.inputs.map(nameOf)]).toEqual([0, 'x', 'factor'])
  expect([...evaluate(fed, v => f32([2], nameOf(v) === 'x' ? [1, 2] : [3, 4])).y.data]).toEqual([3, 8])
  expect(feedParams(double, name => name !== 'factor').inputs).toHaveLength(1)
})
