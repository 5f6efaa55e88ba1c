import { describe, expect, it } from 'vitest'
import { graph, paramsOf } from '../ir/graph.js'
import { input, nameOf, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import * as nn from './index.js'

const paramsIn = (y: Value): string[] => paramsOf(graph('g', { y })).map(p => `${nameOf(p)} [${p.shape.join()}]`)
const x = input('x', [2, 5])
const image = input('image', [1, 8, 8, 3])

describe('scope', () => {
  it('descends the tree of names and declares params', () => {
    const p = nn.scope('image_encoder').at('blocks', 3).at('attn')
    expect(p.path).toBe('image_encoder.blocks.3.attn')
    expect(nameOf(p.param('rel_pos_h', [27, 64]))).toBe('image_encoder.blocks.3.attn.rel_pos_h')
    expect(nameOf(nn.scope().param('weight', [1]))).toBe('weight')
    expect(nameOf(nn.scope().at('neck', 0).param('weight', [1]))).toBe('neck.0.weight')
  })

  it('returns the same value for the same name', () => {
    const p = nn.scope('a')
    expect(p.param('weight', [2])).toBe(p.param('weight', [2]))
  })

  it('leaves it to graph() to reject one name with two shapes', () => {
    const p = nn.scope('a')
    expect(() => graph('g', { y: p.param('weight', [2]), z: p.param('weight', [3]) })).toThrow('must have one shape')
  })
})

describe('layers: params are those of PyTorch', () => {
  it('of linear, layerNorm, convolutions and embedding', () => {
    expect(paramsIn(nn.linear(nn.scope('lin1'), x, 7))).toEqual(['lin1.weight [7,5]', 'lin1.bias [7]'])
    expect(paramsIn(nn.layerNorm(nn.scope('norm1'), x, 1e-6))).toEqual(['norm1.weight [5]', 'norm1.bias [5]'])
    expect(paramsIn(nn.conv2d(nn.scope('proj'), image, { out: 4, kernel: 2, stride: 2 }))).toEqual([
      'proj.weight [4,3,2,2]',
      'proj.bias [4]'
    ])
    expect(paramsIn(nn.conv2d(nn.scope('neck.0'), image, { out: 4, kernel: 1, bias: false }))).toEqual([
      'neck.0.weight [4,3,1,1]'
    ])
    expect(paramsIn(nn.tile2x(nn.scope('up'), image, 4))).toEqual(['up.weight [3,4,2,2]', 'up.bias [4]'])
    expect(paramsIn(nn.embedding(nn.scope('tokens'), [4, 32]))).toEqual(['tokens.weight [4,32]'])
  })

  it('of MLPs, with the activation between layers and not after the last', () => {
    const y = nn.mlp(nn.scope('head'), x, { widths: [6, 6, 4] })
    expect(paramsIn(y)).toEqual([
      'head.layers.0.weight [6,5]',
      'head.layers.0.bias [6]',
      'head.layers.1.weight [6,6]',
      'head.layers.1.bias [6]',
      'head.layers.2.weight [4,6]',
      'head.layers.2.bias [4]'
    ])
    expect([y.op, y.inputs[0].op]).toEqual(['linear', 'relu'])
    const block = nn.mlpBlock(nn.scope('mlp'), x, { hidden: 20, activation: ops.gelu })
    expect(paramsIn(block)).toEqual([
      'mlp.lin1.weight [20,5]',
      'mlp.lin1.bias [20]',
      'mlp.lin2.weight [5,20]',
      'mlp.lin2.bias [5]'
    ])
    expect([block.op, block.inputs[0].op]).toEqual(['linear', 'gelu'])
  })

  it('residual records its branch and layer', () => {
    const branch = ops.neg(x)
    const y = nn.residual(nn.scope('blocks.3.mlp'), [x, branch], 3)
    expect(y.inputs).toEqual([x, branch])
    expect(y.attrs).toEqual({ branch: 'blocks.3.mlp', layer: 3 })
  })
})
