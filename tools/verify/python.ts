import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
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

/** Makes a virtual environment with these packages, if it is not there. Returns the folder of its programs. */
export function virtualEnvironment(folder: string, packages: readonly string[]): string {
  const bin = join(folder, 'bin')
  const list = packages.join('\n')
  const installed = join(folder, 'installed.txt')
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== list) {
    console.log(`installing ${packages.join(', ')} into ${folder}`)
    command('python3', ['-m', 'venv', folder])
    command(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...packages])
    writeFileSync(installed, list)
  }
  return bin
}
