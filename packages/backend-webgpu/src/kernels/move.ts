/** Movements that are not views: pad, concat, gather and scatterAdd. Each reads its operands through their strides. */
import { sizeOf } from '@sam/core/graph'
import { denseView, type View } from '../view.js'
import { typeOf, type Kernel } from './kernel.js'
import { literal } from './expression.js'
import { address, coordinates, i32, operands, perElement, sizesOf } from './program.js'

/** A constant in the border; inside, the element at offset −`before`. */
export const pad: Kernel = {
  lower(node, to) {
    const x = to.view(node.inputs[0])
    const before = node.attrs.before as readonly number[]
    const source = address('x0', { strides: x.strides, offset: x.offset, prefix: 'p' })
    const rank = node.shape.length
    const inside = x.shape.map((_, a) => `p${a} >= 0 && p${a} < uniforms.inner${a}`)
    const border =
      literal(node.attrs.value as number, node) ??
      `(sign(f32(${Math.sign(node.attrs.value as number)})) * uniforms.INFINITY)`
    const program = perElement('pad', {
      count: sizeOf(node.shape),
      inputs: operands(1),
      uniforms: [
        ...sizesOf(node.shape),
        ...sizesOf(x.shape, 'inner'),
        ...sizesOf(before, 'before'),
        ...source.uniforms
      ],
      body: `${coordinates(rank)}
${before.map((_, a) => `  let p${a} = c${a} - uniforms.before${a};`).join('\n')}
  result[i] = ${border};
  if (${inside.join(' && ') || 'true'}) { result[i] = x0[${source.index}]; }`
    })
    return denseView(to.emit(program, [x.buffer], { length: sizeOf(node.shape), type: typeOf(node) }), node.shape)
  }
}

/** Each element comes from the operand that covers its range of the axis. */
export const concat: Kernel = {
  lower(node, to) {
    const axis = node.attrs.axis as number
    let parts = node.inputs.map(v => to.view(v))
    const most = to.limits.buffers - 1
    // More operands than one kernel can bind: concatenate them in groups first.
    while (parts.length > most) {
      const groups = Array.from({ length: Math.ceil(parts.length / most) }, (_, g) =>
        parts.slice(g * most, (g + 1) * most)
      )
      parts = groups.map(group => (group.length === 1 ? group[0] : join(group)))
    }
    return join(parts)

    function join(views: readonly View[]): View {
      const shape = node.shape.map((d, a) => (a === axis ? views.reduce((n, v) => n + v.shape[axis], 0) : d))
      let start = 0
      const sources = views.map((v, n) => {
        const source = address(`x${n}`, { strides: v.strides, offset: v.offset - start * v.strides[axis] })
        start += v.shape[axis]
        return { ...source, end: i32(`end${n}`, start) }
      })
      const program = perElement('concat', {
        count: sizeOf(shape),
        inputs: operands(views.length),
        uniforms: [...sizesOf(shape), ...sources.flatMap(p => [...p.uniforms, p.end])],
        body: `${coordinates(shape.length)}
${sources.map((p, n) => `  ${n ? 'else ' : ''}if (c${axis} < uniforms.end${n}) { result[i] = x${n}[${p.index}]; }`).join('\n')}`
      })
      return denseView(
        to.emit(
          program,
          views.map(v => v.buffer),
          { length: sizeOf(shape), type: typeOf(node) }
        ),
        shape
      )
    }
  }
}

/** Row c is row `index[c]` of the operand. An index out of bounds reads the nearest row. */
export const gather: Kernel = {
  lower(node, to) {
    const [x, index] = node.inputs.map(v => to.view(v)) as [View, View]
    const axis = node.attrs.axis as number
    const from = address('x1', { strides: [index.strides[0]], offset: index.offset, prefix: `c${axis}_` })
    const source = address('x0', { strides: x.strides, offset: x.offset, prefix: 'p' })
    const program = perElement('gather', {
      count: sizeOf(node.shape),
      inputs: operands(2),
      uniforms: [...sizesOf(node.shape), i32('rows', x.shape[axis]), ...from.uniforms, ...source.uniforms],
      body: `${coordinates(node.shape.length)}
  let c${axis}_0 = c${axis};
${node.shape.map((_, a) => `  let p${a} = ${a === axis ? `clamp(x1[${from.index}], 0, uniforms.rows - 1)` : `c${a}`};`).join('\n')}
  result[i] = x0[${source.index}];`
    })
    return denseView(
      to.emit(program, [x.buffer, index.buffer], { length: sizeOf(node.shape), type: typeOf(node) }),
      node.shape
    )
  }
}

/**
 * Each element sums the updates whose index is its row, in order: no atomics, so results are deterministic.
 */
export const scatterAdd: Kernel = {
  lower(node, to) {
    const [updates, index] = node.inputs.map(v => to.view(v)) as [View, View]
    const axis = node.attrs.axis as number
    const source = address('x0', { strides: updates.strides, offset: updates.offset, prefix: 'p' })
    const program = perElement('scatterAdd', {
      count: sizeOf(node.shape),
      inputs: operands(2),
      uniforms: [
        ...sizesOf(node.shape),
        i32('rows', updates.shape[axis]),
        i32('indexAt', index.offset),
        i32('indexStep', index.strides[0]),
        ...source.uniforms
      ],
      body: `${coordinates(node.shape.length)}
  var sum = ${typeOf(node)}(0);
  for (var row = 0; row < uniforms.rows; row++) {
    if (x1[uniforms.indexAt + row * uniforms.indexStep] == c${axis}) {
${node.shape.map((_, a) => `      let p${a} = ${a === axis ? 'row' : `c${a}`};`).join('\n')}
      sum += x0[${source.index}];
    }
  }
  result[i] = sum;`
    })
    return denseView(
      to.emit(program, [updates.buffer, index.buffer], { length: sizeOf(node.shape), type: typeOf(node) }),
      node.shape
    )
  }
}
