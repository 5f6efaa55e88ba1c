import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { f32, graph, input, memoryWeights, ops, param, simplify, type Graph, type WeightSource } from '@sam/core/graph'
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto
} from './generated/onnx_pb.js'
import { keeps, toOnnx, type OnnxOptions } from './index.js'

const zeros = (shape: readonly number[]) => f32(shape, new Float32Array(shape.reduce((n, d) => n * d, 1)))

async function lowered(
  g: Graph,
  weights: WeightSource = memoryWeights({}),
  options: Partial<OnnxOptions> = {}
): Promise<GraphProto> {
  return fromBinary(ModelProtoSchema, (await toOnnx(g, { weights, ...options })).model).graph!
}
const opsOf = (g: GraphProto): string[] => g.node.map(n => n.opType)
const externalData = (g: GraphProto, name: string) => {
  const tensor = g.initializer.find(t => t.name === name)!
  expect(tensor.dataLocation).toBe(DataLocation.EXTERNAL)
  return Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value]))
}
/** A source whose tensors are in a file. */
const inFile = (source: WeightSource, { path, offset }: { path: string; offset: number }): WeightSource => ({
  ...source,
  locate: name => ({ path, offset, length: source.info(name).shape.reduce((n, d) => n * d, 4) })
})

describe('toOnnx: nodes', () => {
  it('are one per primitive, without broadcasts that ONNX does implicitly', async () => {
    const x = input('x', [2, 3, 4])
    expect(opsOf(await lowered(simplify(graph('g', { y: ops.mul(ops.add(x, input('row', [4])), 2) }))))).toEqual([
      'Reshape',
      'Add',
      'Mul'
    ])
    expect(opsOf(await lowered(graph('g', { y: ops.matmul(x, input('m', [4, 5])) })))).toEqual(['Reshape', 'MatMul'])
    expect(opsOf(await lowered(graph('g', { y: ops.neg(ops.broadcastTo(input('row', [1, 4]), [3, 4])) })))).toEqual([
      'Expand',
      'Neg'
    ])
  })

  it('are one Gemm for a linear layer, with the weight as stored', async () => {
    const g = await lowered(
      graph('g', { y: ops.linear(input('x', [2, 3, 4]), param('w', [5, 4]), param('b', [5])) }),
      memoryWeights({ w: zeros([5, 4]), b: zeros([5]) })
    )
    expect(opsOf(g)).toEqual(['Reshape', 'Gemm', 'Reshape'])
    const gemm = g.node[1]
    expect(gemm.input.slice(1)).toEqual(['w', 'b'])
    expect(gemm.attribute.map(({ name, type, i }) => [name, type, i])).toEqual([['transB', AttributeType.INT, 1n]])
    expect(g.initializer.find(t => t.name === 'w')!.dims).toEqual([5n, 4n])
  })

  it('store weights of linear layers as f16, which the runtime must not replace by a constant f32', async () => {
    const weights = memoryWeights({ w: zeros([5, 4]), b: zeros([5]), tied: zeros([4, 4]) })
    const x = ops.linear(input('x', [2, 4]), param('tied', [4, 4]))
    const y = ops.linear(x, param('w', [5, 4]), param('b', [5]))
    const g = await lowered(graph('g', { y, z: ops.neg(param('tied', [4, 4])) }), weights, { precision: 'f16' })
    const types = Object.fromEntries(g.initializer.map(t => [t.name, t.dataType]))
    expect(types).toMatchObject({ w: DataType.FLOAT16, b: DataType.FLOAT, tied: DataType.FLOAT })
    expect(g.input.map(v => v.name)).toContain('w')
    const cast = g.node.find(n => n.opType === 'Cast')!
    expect(cast.input).toEqual(['w'])
    expect(g.node.find(n => n.opType === 'Gemm' && n.input[2] === 'b')!.input[1]).toBe(cast.output[0])
  })

  it('compute linear layers of many rows in int8, with a scale for each output', async () => {
    const w = f32([2, 3], [1, -2, 0.5, 0, 0, 0])
    const build = (rows: number) => graph('g', { y: ops.linear(input('x', [rows, 3]), param('w', [2, 3])) })
    const g = await lowered(build(1024), memoryWeights({ w }), { precision: 'int8' })
    expect(opsOf(g)).toEqual(['Reshape', 'DynamicQuantizeMatMul', 'Reshape'])
    const tensor = (name: string) => g.initializer.find(t => t.name === name)!
    expect(tensor('w').dims).toEqual([3n, 2n])
    expect(Array.from(new Int8Array(tensor('w').rawData))).toEqual([64, 0, -127, 0, 32, 0])
    expect(Array.from(new Float32Array(tensor('w:scale').rawData.slice().buffer))).toEqual([Math.fround(2 / 127), 1])
    expect(opsOf(await lowered(build(1023), memoryWeights({ w }), { precision: 'int8' }))).toContain('Gemm')
  })

  it('exclude dead values, and share equal constants', async () => {
    const x = input('x', [3, 4])
    const g = await lowered(graph('g', { y: ops.add(ops.mul(x, 2), ops.fill([3, 4], 2)) }, [x, input('unused', [9])]))
    expect(g.input.map(v => v.name)).toEqual(['x', 'unused'])
    expect(opsOf(g)).not.toContain('Expand')
    const twos = g.initializer.filter(t => t.dataType === (DataType.FLOAT as number))
    expect(twos.length).toBe(new Set(twos.map(t => `${t.dims} ${t.rawData.join()}`)).size)
  })

  it('are MultiHeadAttention for windows, and one head at a time for global attention', async () => {
    const qkv = input('qkv', [1, 64, 64, 6])
    const attend = (window: number, side: number) =>
      lowered(
        graph('g', {
          y: ops.gridAttention(qkv, {
            heads: 2,
            window,
            border: param('b', [6]),
            relPos: [param('h', [2 * side - 1, 1]), param('w', [2 * side - 1, 1])]
          })
        }),
        memoryWeights({ b: zeros([6]), h: zeros([2 * side - 1, 1]), w: zeros([2 * side - 1, 1]) })
      )
    expect((await attend(14, 14)).node.find(n => n.opType === 'MultiHeadAttention')!.domain).toBe('com.microsoft')
    const global = await attend(0, 64)
    expect(opsOf(global).filter(op => op === 'Softmax')).toHaveLength(2 * 4)
    expect(opsOf(global)).not.toContain('MultiHeadAttention')
  })

  it('have unique names, even if an input, a param and an output share one', async () => {
    const x = input('a', [2])
    const { inputs, outputs, model } = await toOnnx(graph('g', { a: ops.add(x, param('a', [2])), b: x, c: x }), {
      weights: memoryWeights({ a: zeros([2]) })
    })
    const g = fromBinary(ModelProtoSchema, model).graph!
    const names = [...g.input.map(v => v.name), ...g.output.map(v => v.name), ...g.initializer.map(t => t.name)]
    expect(new Set(names).size).toBe(names.length)
    expect(Object.keys(inputs)).toEqual(['a'])
    expect(Object.keys(outputs)).toEqual(['a', 'b', 'c'])
  })

  it('are rejected for operations without an ONNX form', async () => {
    const odd = { ...ops.neg(input('x', [2])), op: 'odd' }
    await expect(toOnnx(graph('g', { y: odd }), { weights: memoryWeights({}) })).rejects.toMatchObject({
      code: 'E_GRAPH'
    })
  })

  it('are decomposed for composites without an ONNX form', async () => {
    const x = input('x', [2])
    const twice = {
      op: 'twice',
      inputs: [x],
      attrs: {},
      shape: [2],
      dtype: 'f32' as const,
      composite: { name: 'twice', decompose: () => ops.add(x, x) }
    }
    expect(keeps(twice)).toBe(false)
    expect(keeps(ops.gelu(x))).toBe(true)
    expect(opsOf(await lowered(graph('g', { y: twice })))).toEqual(['Add'])
  })
})

describe('toOnnx: weights', () => {
  const big = [64, 128] as const
  const weights = memoryWeights({ w: zeros(big), small: f32([2], [1, 2]) })
  const g = graph('g', {
    y: ops.matmul(input('x', [1, 64]), param('w', big)),
    z: ops.add(input('x', [1, 64]), ops.reduceSum(param('small', [2]), [0]))
  })
  const resolvePath = (path: string): string | undefined => (path.startsWith('/') ? path.slice(1) : undefined)

  it('are referenced in the checkpoint file', async () => {
    const onnx = await lowered(g, inFile(weights, { path: '/models/a b.pth', offset: 192 }), { resolvePath })
    expect(externalData(onnx, 'w')).toEqual({ location: 'models/a b.pth', offset: '192', length: String(64 * 128 * 4) })
    expect(externalData(onnx, 'small').location).toBe('models/a b.pth')
  })

  it('are external data if the file has no path, or the offset is not aligned', async () => {
    for (const at of [
      { path: 'C:/x.pth', offset: 192 },
      { path: '/x.pth', offset: 193 }
    ]) {
      const onnx = await lowered(g, inFile(weights, at), { resolvePath, externalDataPath: 'tmp/weights.data' })
      expect(externalData(onnx, 'w').location).toBe('tmp/weights.data')
      expect(onnx.initializer.find(t => t.name === 'small')!.rawData).toHaveLength(8)
    }
  })

  it('are in one external file, at the offsets in the model', async () => {
    const tensors = Object.fromEntries(
      ['a', 'b', 'c'].map((name, i) => [name, f32([5000 + i], new Float32Array(5000 + i).fill(i + 1))])
    )
    const params = Object.entries(tensors).map(([name, t]) => ops.reduceSum(param(name, t.shape), [0]))
    const { model, externalData: written } = await toOnnx(
      graph('g', { y: ops.add(ops.add(params[0], params[1]), params[2]) }),
      {
        weights: memoryWeights(tensors)
      }
    )
    const chunks: Uint8Array[] = []
    for await (const chunk of written!.chunks()) chunks.push(chunk)
    const file = Buffer.concat(chunks)
    expect(file.length).toBe(written!.length)
    const onnx = fromBinary(ModelProtoSchema, model).graph!
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      const { offset, length, location } = externalData(onnx, name)
      expect(location).toBe(written!.path)
      expect(Number(offset) % 64).toBe(0)
      expect(Number(length)).toBe(4 * (5000 + i))
      expect([file.readFloatLE(Number(offset)), file.readFloatLE(Number(offset) + Number(length) - 4)]).toEqual([
        i + 1,
        i + 1
      ])
    }
  })

  it('keep their stored type and are cast in the model', async () => {
    const half = memoryWeights({ w: { dtype: 'f16', shape: [2, 2], data: new Uint16Array(4) } })
    const onnx = await lowered(graph('g', { y: ops.matmul(input('x', [1, 2]), param('w', [2, 2])) }), half)
    expect(onnx.initializer.find(t => t.name === 'w')!.dataType).toBe(DataType.FLOAT16)
    expect(opsOf(onnx)).toEqual(['Cast', 'MatMul'])
  })
})
