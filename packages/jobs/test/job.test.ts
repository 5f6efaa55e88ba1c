import { describe, expect, it } from 'vitest'
import { isInShard, parseJob, parseManifest, taskOf } from '../src/index.js'

describe('parseJob', () => {
  it('reads YAML and JSON', () => {
    const job = { model: 'tiny', automatic: { pointsPerSide: 8, overlap: { iou: 0.8 } }, output: { format: 'coco' } }
    expect(parseJob(JSON.stringify(job), 'job.json')).toEqual(job)
    const yaml = 'model: tiny\nautomatic:\n  pointsPerSide: 8\n  overlap: { iou: 0.8 }\noutput: { format: coco }'
    expect(parseJob(yaml, 'job.yaml')).toEqual(job)
    expect(parseJob('phrases: { find: [a wheel], not: [a tyre] }', 'job.yaml').phrases!.find).toEqual(['a wheel'])
  })

  it.each([
    ['an unknown key', 'automatic: {}\nmodle: tiny', /^job\.yaml: the file: .*modle/],
    ['an unknown option', 'automatic: { pointPerSide: 8 }', /automatic: .*pointPerSide/],
    ['a wrong type', 'automatic: { pointsPerSide: eight }', /automatic\.pointsPerSide: /],
    ['nothing to do', 'model: tiny', /exactly one of automatic, phrases, prompts/],
    ['two things to do', 'automatic: {}\nprompts: {}', /exactly one of automatic, phrases, prompts/],
    ['a wrong format', 'automatic: {}\noutput: { format: coca }', /output\.format: /],
    ['no object', '- automatic', /the file: /],
    ['no YAML', 'automatic: {', /must be YAML or JSON/],
    [
      'aliases without end',
      'a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*b,*b,*b,*b,*b,*b,*b,*b]',
      /.*/
    ]
  ])('refuses %s', (_, text, message) => {
    expect(() => parseJob(text, 'job.yaml')).toThrow(
      expect.objectContaining({ code: 'E_BAD_OPTION', message: expect.stringMatching(message) })
    )
  })

  it('reports every mistake', () => {
    expect(() => parseJob('automatic: { pointsPerSide: 0, maxArea: x }', 'job.yaml')).toThrow(
      /pointsPerSide.*\n.*maxArea/
    )
  })
})

describe('parseManifest', () => {
  it('reads names and JSON, one per line', () => {
    const prompts = [{ points: [{ x: 1, y: 2, label: 'background' }], box: [0, 0, 4, 5], category: 'cat' }] as const
    const text = `a b.jpg\r\n\n${JSON.stringify({ image: 'c.jpg', prompts })}\n{"image":"d.jpg","phrases":["a dog"]}\n`
    expect(parseManifest(text, 'm.jsonl')).toEqual([
      { image: 'a b.jpg' },
      { image: 'c.jpg', prompts },
      { image: 'd.jpg', phrases: ['a dog'] }
    ])
  })

  it.each([
    ['{"image":"a.jpg"', /m\.jsonl, line 2: must be a name or JSON/],
    ['{"image":"a.jpg","prompt":[]}', /line 2: .*prompt/],
    ['{"image":"a.jpg","prompts":[{"box":[1,2,3]}]}', /line 2: prompts\.0\.box/],
    ['{"image":"a.jpg","prompts":[{"category":"cat"}]}', /line 2: prompts\.0: must have points, a box or a text/]
  ])('refuses %s', (line, message) => {
    expect(() => parseManifest(`a.jpg\n${line}`, 'm.jsonl')).toThrow(
      expect.objectContaining({ code: 'E_BAD_OPTION', message: expect.stringMatching(message) })
    )
  })
})

describe('tasks', () => {
  it('have keys of their name and prompts', () => {
    const [plain, prompted] = [taskOf({ image: 'a' }), taskOf({ image: 'a', prompts: [{ box: [0, 0, 1, 1] }] })]
    expect(plain.key).toMatch(/^[0-9a-f]{32}$/)
    expect(taskOf({ image: 'a' }).key).toBe(plain.key)
    expect(new Set([plain.key, prompted.key, taskOf({ image: 'b' }).key]).size).toBe(3)
  })

  it('are in exactly one shard, and shards have similar sizes', () => {
    const tasks = Array.from({ length: 4000 }, (_, i) => taskOf({ image: `${i}.jpg` }))
    const sizes = Array.from({ length: 8 }, (_, index) => tasks.filter(t => isInShard(t, { index, count: 8 })).length)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(4000)
    for (const size of sizes) expect(Math.abs(size - 500)).toBeLessThan(100)
  })
})
