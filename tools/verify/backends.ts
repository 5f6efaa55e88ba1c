import { cpu } from '@sam/backend-cpu'
import { cuda } from '@sam/backend-cuda'
import type { Backend } from '@sam/core'

interface Options {
  readonly decompose?: 'all'
}

const backends: Readonly<Record<string, (options: Options) => Promise<Backend>>> = {
  cpu,
  cuda,
  webgpu: async options => (await import('@sam/backend-webgpu')).webgpu(options)
}

/** The backend of `--backend`, with `--decompose`. */
export function openBackend(name: string, decompose: boolean): Promise<Backend> {
  if (!Object.hasOwn(backends, name))
    throw new Error(`--backend must be one of ${Object.keys(backends).join(', ')}, found ${name}`)
  return backends[name](decompose ? { decompose: 'all' } : {})
}
