import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Runs a command, and returns what it writes to stdout. Throws where it fails. */
export function command(name: string, args: readonly string[], input = ''): string {
  const { status, stdout, error } = spawnSync(name, args, {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    input,
    maxBuffer: 2 ** 28
  })
  if (status !== 0) throw error ?? new Error(`${name} ended with ${status}`)
  return stdout
}

/** Installs packages into a virtual environment if `program` is missing there. Returns the folder of its programs. */
export function virtualEnvironment(folder: string, packages: readonly string[], program: string): string {
  const bin = join(folder, 'bin')
  if (!existsSync(join(bin, program))) {
    console.log(`installing ${packages.join(', ')} into ${folder}`)
    command('python3', ['-m', 'venv', folder])
    command(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...packages])
  }
  return bin
}
