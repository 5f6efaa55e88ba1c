import { readFile } from 'node:fs/promises'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sam } from '../../cli/test/sam.js'

const read = (name: string): Promise<string> => readFile(new URL(`../docker/${name}`, import.meta.url), 'utf8')

interface Service {
  readonly image?: string
  readonly build?: { readonly args: Readonly<Record<string, string>> }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
}

/** The options of a command in its help. */
const helpOf = async (command: string): Promise<string> => (await sam([command, '--help'])).out

describe('the Dockerfile', async () => {
  const text = await read('Dockerfile')
  const file = DockerfileParser.parse(text)
  const all = (name: string) => file.getInstructions().filter(one => one.getInstruction() === name)

  it('has no errors or warnings', () => {
    expect(validate(text)).toEqual([])
  })

  it('runs as a user without rights, from an image with a version', () => {
    expect(all('USER').at(-1)?.getArgumentsContent()).toBe('node')
    expect(file.getFROMs().map(from => from.getImage())).toEqual([expect.stringMatching(/:\d/)])
    expect(all('ADD')).toEqual([])
  })

  it('installs the optional packages of the worker', async () => {
    const { peerDependencies } = JSON.parse(
      await readFile(new URL('../../../packages/jobs/package.json', import.meta.url), 'utf8')
    ) as { peerDependencies: Readonly<Record<string, string>> }
    const [, major] = /^\^(\d+)/.exec(peerDependencies.bullmq)!
    const run = all('RUN')
      .map(one => one.getArgumentsContent())
      .join(' ')
    expect(run).toContain(`bullmq@${major}`)
    for (const name of Object.keys(peerDependencies).filter(name => !name.startsWith('@sam/')))
      expect(run).toContain(`${name}@`)
  })

  it('starts a command that exists, with options that exist', async () => {
    const command = JSON.parse(all('CMD').at(-1)!.getArgumentsContent()!) as string[]
    const [name, ...options] = command
    const help = await helpOf(name)
    for (const option of options.filter(one => one.startsWith('--'))) expect(help).toContain(option)
  })
})

describe('compose.yaml', async () => {
  const text = await read('compose.yaml')
  const { services, volumes } = parse(text, { strict: true, merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, null>
  }

  it('has a server, workers and a queue, in images with a version', () => {
    expect(Object.keys(services)).toEqual(['server', 'worker', 'redis'])
    for (const { image } of Object.values(services)) expect(image).toMatch(/:(?:\d|\$\{SAM_VERSION\})/)
  })

  it('gives nobody access without a token, and nobody beyond this machine', () => {
    const { environment, ports } = services.server
    expect(environment?.SAM_TOKENS).toMatch(/^\$\{SAM_TOKENS:\?/)
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    expect(ports).toHaveLength(1)
  })

  it('starts workers with options that exist', async () => {
    const [name, ...options] = services.worker.command!
    const help = await helpOf(name)
    for (const option of options.filter(one => one.startsWith('--'))) expect(help).toContain(option)
  })

  it('declares the volumes and services that it uses', () => {
    for (const { volumes: used = [], depends_on: needed = {} } of Object.values(services)) {
      for (const name of used.map(one => one.split(':')[0]).filter(one => !one.startsWith('.')))
        expect(volumes).toHaveProperty(name)
      for (const name of Object.keys(needed)) expect(services).toHaveProperty(name)
    }
  })
})
