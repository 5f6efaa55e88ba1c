/**
 * A real Redis for tests: `redis-server` of this machine, else Debian's package, unpacked once into `.cache/redis`
 * without being installed.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'

/** How to start `redis-server`. */
interface RedisProgram {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

const cache = resolve(dirname(fileURLToPath(import.meta.url)), '../../.cache/redis')
/** Debian 12's packages of the server (`redis-server` runs the file of `redis-tools`) and of its libraries. */
const packages = ['redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1', 'libssl3', 'libsystemd0']

/** The program, or why there is none. */
export function findRedis(): RedisProgram | { readonly missing: string } {
  const system: RedisProgram = { path: 'redis-server', env: process.env }
  if (starts(system)) return system
  const unpacked = programIn(cache)
  if (existsSync(unpacked.path) && starts(unpacked)) return unpacked
  try {
    unpack()
  } catch (error) {
    return {
      missing: `no redis-server on the PATH, and apt-get gives no package: ${(error as Error).message.split('\n')[0]}`
    }
  }
  const installed = programIn(cache)
  return starts(installed) ? installed : { missing: 'redis-server of Debian does not start on this system' }
}

function programIn(folder: string): RedisProgram {
  const libraries = ['usr/lib', 'lib']
    .map(name => join(folder, name))
    .filter(path => existsSync(path))
    .flatMap(path =>
      readdirSync(path)
        .filter(name => name.endsWith('linux-gnu'))
        .map(name => join(path, name))
    )
  const found = [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':')
  return { path: join(folder, 'usr/bin/redis-check-rdb'), env: { ...process.env, LD_LIBRARY_PATH: found } }
}

function starts({ path, env }: RedisProgram): boolean {
  const { stdout } = spawnSync(path, ['--version'], { env, argv0: 'redis-server', encoding: 'utf8' })
  return /Redis server v=[6-9]/.test(stdout ?? '')
}

/** All or nothing. */
function unpack(): void {
  mkdirSync(dirname(cache), { recursive: true })
  const folder = mkdtempSync(`${cache}-`)
  try {
    execFileSync('apt-get', ['download', ...packages], { cwd: folder, stdio: 'pipe', timeout: 60_000 })
    for (const name of readdirSync(folder))
      execFileSync('dpkg', ['-x', join(folder, name), join(folder, 'root')], { stdio: 'pipe' })
    rmSync(cache, { recursive: true, force: true })
    renameSync(join(folder, 'root'), cache)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A running server that keeps its data in `folder` (AOF, written before each answer). */
export interface RedisServer {
  readonly url: string
  /** Ends it as kill -9 does. */
  kill(): Promise<void>
  /** Starts it again on the same port and data. */
  start(): Promise<void>
}

/** Starts a server on a free port of this machine. */
export async function startRedis({ path, env }: RedisProgram, folder: string): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const started = spawn(
      path,
      [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--appendonly',
        'yes',
        '--appendfsync',
        'always',
        '--save',
        ''
      ],
      { env, argv0: 'redis-server', stdio: ['ignore', 'pipe', 'inherit'] }
    )
    child = started
    for await (const text of started.stdout) if (/Ready to accept connections/.test(String(text))) break
    started.stdout.resume()
    if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`)
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    async kill() {
      if (!child || child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
