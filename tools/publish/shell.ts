import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './packages.js'

/** What a command printed. */
export interface Output {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An empty folder in which a new user types commands. */
export class Shell {
  readonly #env: NodeJS.ProcessEnv

  constructor(
    readonly folder: string,
    env: Readonly<Record<string, string>>
  ) {
    mkdirSync(folder, { recursive: true })
    // Without the variables of the `npm run` that this is part of.
    const own = Object.entries(process.env).filter(([name]) => !/^(npm_|ONNXRUNTIME_|NODE_ENV|INIT_CWD)/i.test(name))
    // A cache of its own, so that the time and the downloads are those of a new machine.
    this.#env = { ...Object.fromEntries(own), npm_config_cache: `${folder}.cache`, ...env }
  }

  /** Runs a command line, and returns what it did. */
  try(command: string, env: Readonly<Record<string, string>> = {}): Output {
    const { status, stdout, stderr } = spawnSync(command, {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      shell: true,
      encoding: 'utf8',
      maxBuffer: 2 ** 28
    })
    return { code: status, stdout, stderr }
  }

  /** Runs a command line that must succeed, and returns its standard output. */
  run(command: string, env: Readonly<Record<string, string>> = {}): string {
    const { code, stdout, stderr } = this.try(command, env)
    if (code !== 0) throw new Error(`${command}: exit code ${code}, in ${this.folder}\n${stdout}${stderr}`)
    return stdout
  }

  /** Writes a file. */
  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), content)
  }

  /** Copies a file of the repository. */
  copy(from: string, to: string): void {
    mkdirSync(dirname(join(this.folder, to)), { recursive: true })
    copyFileSync(join(root, from), join(this.folder, to))
  }

  read(path: string): Buffer {
    return readFileSync(join(this.folder, path))
  }

  /** Prints what npm has downloaded, and what `node_modules` takes on disk: all, and its largest packages. */
  report(what: string): void {
    const sizes = packagesIn(join(this.folder, 'node_modules'))
      .map(([name, path]) => [name, sizeOf(path)] as const)
      .sort(([, a], [, b]) => b - a)
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
    const all = sizes.reduce((sum, [, bytes]) => sum + bytes, 0)
    const largest = sizes.slice(0, 6).map(([name, bytes]) => `${name} ${mb(bytes)}`)
    const downloaded = sizeOf(join(`${this.folder}.cache`, '_cacache', 'content-v2'))
    console.log(`  ${what}: ${mb(downloaded)} MB downloaded, ${mb(all)} MB in node_modules (${largest.join(', ')})`)
  }
}

const packagesIn = (folder: string): (readonly [string, string])[] =>
  readdirSync(folder).flatMap(name =>
    name.startsWith('@')
      ? readdirSync(join(folder, name)).map(inner => [`${name}/${inner}`, join(folder, name, inner)] as const)
      : [[name, join(folder, name)] as const]
  )

function sizeOf(path: string): number {
  const entry = statSync(path)
  return entry.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : entry.size
}

/** The n-th sample of a page, as a reader copies it. */
export const sampleOf = (page: string, language: 'ts' | 'sh', n: number): string =>
  [...readFileSync(join(root, page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))][n][1]
