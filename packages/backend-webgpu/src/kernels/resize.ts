import { sizeOf } from '@sam/core/graph'
import { denseView } from '../view.js'
import type { Kernel } from './kernel.js'
import { address, coordinates, operands, perElement, sizesOf } from './program.js'

/** Half-pixel centres, two taps per axis, clamped at the border: the weighted mean of four neighbours. */
export const resizeBilinear: Kernel = {
  supports: node => node.dtype === 'f32',
  lower(node, to) {
    const x = to.view(node.inputs[0])
    const rank = node.shape.length
    const [row, column] = [rank - 2, rank - 1]
    const source = address('x0', { strides: x.strides, offset: x.offset, prefix: 'p' })
    const axis = (a: number, name: string): string => `
  let ${name} = max(0.0, (f32(c${a}) + 0.5) * (f32(uniforms.inner${a}) / f32(uniforms.size${a})) - 0.5);
  let ${name}0 = min(i32(${name}), uniforms.inner${a} - 1);
  let ${name}1 = min(${name}0 + 1, uniforms.inner${a} - 1);
  let ${name}Fraction = ${name} - f32(${name}0);`
    const program = perElement('resizeBilinear', {
      count: sizeOf(node.shape),
      inputs: operands(1),
      uniforms: [...sizesOf(node.shape), ...sizesOf(x.shape, 'inner'), ...source.uniforms],
      helpers: `
fn at(${x.shape.map((_, a) => `p${a} : i32`).join(', ')}) -> f32 { return x0[${source.index}]; }`,
      body: `${coordinates(rank)}${axis(row, 'down')}${axis(column, 'right')}
  let above = mix(${read('down0', 'right0')}, ${read('down0', 'right1')}, rightFraction);
  let below = mix(${read('down1', 'right0')}, ${read('down1', 'right1')}, rightFraction);
  result[i] = mix(above, below, downFraction);`
    })
    return denseView(to.emit(program, [x.buffer], { length: sizeOf(node.shape), type: 'f32' }), node.shape)

    function read(y: string, x: string): string {
      return `at(${[...Array.from({ length: rank - 2 }, (_, a) => `c${a}`), y, x].join(', ')})`
    }
  }
}
