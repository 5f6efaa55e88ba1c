import { configs } from '@sam/core'
import { absorbProjections, graph, input, ops, param } from '@sam/core/graph'
import { decodeMasks, encodeImage } from '@sam/core/model'
import { describe, expect, it } from 'vitest'
import { demandOf, schedule, schedules } from './schedule.js'

const mebi = 2 ** 20
const names = (s: ReturnType<typeof schedule>): string[] => s.steps.map(step => step.program.name)

describe('schedule', () => {
  it.each([
    [configs.vit_b, { dispatches: 94, largest: 48, peak: 96 }],
    [configs.vit_l, { dispatches: 178, largest: 64, peak: 124 }],
    [configs.vit_h, { dispatches: 234, largest: 80, peak: 144 }]
  ])("$name encodes an image within every device's limits", (config, { dispatches, largest, peak }) => {
    const found = demandOf(schedules(encodeImage(config)).run)
    expect({ dispatches: found.dispatches, largest: found.largest.bytes / mebi, peak: found.peakBytes / mebi }).toEqual(
      { dispatches, largest, peak }
    )
  })

  it("decodes sixteen prompts at once within every device's limits", () => {
    const decode = absorbProjections(decodeMasks(configs.vit_b, { prompts: 16, points: 2 }), ['image_embedding'])
    const { largest, peakBytes } = demandOf(schedules(decode).run)
    expect(largest.bytes).toBeLessThanOrEqual(128 * mebi)
    expect(peakBytes).toBeLessThanOrEqual(256 * mebi)
  })

  it('halves the memory of contraction weights with halfWeights', () => {
    const weights = (halfWeights: boolean): number =>
      demandOf(schedules(encodeImage(configs.vit_h), { halfWeights }).run).weightBytes / mebi
    expect(weights(true)).toBeLessThan(0.52 * weights(false))
  })

  it('fuses a linear layer with its activation and residual', () => {
    const x = input('x', [4, 8])
    const y = ops.add(input('r', [4, 16]), ops.gelu(ops.linear(x, param('w', [16, 8]), param('b', [16]))))
    expect(names(schedule(graph('g', { y })))).toEqual(['linear'])
  })

  it('does not fuse values that are used twice', () => {
    const h = ops.linear(input('x', [4, 8]), param('w', [16, 8]))
    expect(names(schedule(graph('g', { y: ops.gelu(h), h })))).toEqual(['linear', 'gelu'])
  })

  it('fuses chains of elementwise operations, and reads movements as views', () => {
    const x = ops.transpose(input('x', [8, 4]), [1, 0])
    const y = ops.where(ops.less(x, 0), ops.mul(ops.exp(x), 2), ops.add(x, input('b', [1, 8])))
    expect(names(schedule(graph('g', { y })))).toEqual(['where'])
    expect(names(schedule(graph('g', { y: x })))).toEqual(['copy'])
  })

  it('frees every buffer after its last use, except outputs', () => {
    const { steps, outputs } = schedules(encodeImage(configs['tiny-test'], { blocks: true })).run
    const freed = steps.flatMap(s => s.frees)
    expect(new Set(freed).size).toBe(freed.length)
    const last = new Map(steps.flatMap((s, i) => s.inputs.map(b => [b, i] as const)))
    steps.forEach((s, i) => {
      for (const b of s.frees) expect(last.get(b) ?? i).toBe(i)
    })
    const kept = new Set(Object.values(outputs).map(o => o.buffer))
    expect(steps.map(s => s.result).filter(b => !freed.includes(b) && !kept.has(b))).toEqual([])
  })
})
