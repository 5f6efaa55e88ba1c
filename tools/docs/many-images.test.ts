/** The job files, recipes and commands of docs/many-images.md. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJob, parseManifest } from '@sam/jobs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sam } from '../../apps/cli/test/sam.js'
import { root } from './pages.js'

const page = readFileSync(join(root, 'docs/many-images.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, name]) => name === language).map(([, , text]) => text)

describe('docs/many-images.md', () => {
  it('job files and manifests: are valid', () => {
    const jobs = blocks('yaml').filter(text => text.startsWith('# job.yaml'))
    expect(jobs.length).toBe(2)
    for (const text of jobs) parseJob(text, 'many-images.md')
    for (const text of blocks('json')) expect(parseManifest(text, 'many-images.md')).toHaveLength(1)
  })

  it('the Kubernetes recipe: is an Indexed Job with as many completions as shards', () => {
    const [recipe] = blocks('yaml').filter(text => text.startsWith('apiVersion'))
    const { kind, spec } = parse(recipe) as {
      kind: string
      spec: {
        completionMode: string
        completions: number
        template: {
          spec: {
            restartPolicy: string
            volumes: { name: string }[]
            containers: { args: string[]; volumeMounts: { name: string }[] }[]
          }
        }
      }
    }
    const { containers, volumes, restartPolicy } = spec.template.spec
    expect([kind, spec.completionMode, restartPolicy]).toEqual(['Job', 'Indexed', 'Never'])
    expect(containers[0].args[0]).toContain(`--shard "$JOB_COMPLETION_INDEX/${spec.completions}"`)
    expect(containers[0].volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
    expect(spawnSync('sh', ['-n', '-c', containers[0].args[0]]).status).toBe(0)
  })

  it('shell scripts: have no syntax errors; the Slurm array has as many tasks as shards', () => {
    for (const text of blocks('sh')) expect(spawnSync('bash', ['-n'], { input: text }).status, text).toBe(0)
    expect(page).toMatch(/--array=0-31\n[^]*"\$SLURM_ARRAY_TASK_ID\/32"/)
  })

  it('commands: have only options that the commands have', async () => {
    const commands = [...page.matchAll(/\bsam (annotate|worker|queue) [^\n`]*--[^\n`]*/g)]
    const python = [...page.matchAll(/"sam", "annotate", [^\n]*/g)].map(([text]) => [text, 'annotate'])
    expect(commands.length).toBeGreaterThan(7)
    expect(python).toHaveLength(1)
    for (const [text, command] of [...commands, ...python]) {
      const { out } = await sam([command, '--help'])
      for (const [option] of text.matchAll(/--[a-z][\w-]*/g)) expect(out, text).toContain(option)
    }
  })
})
