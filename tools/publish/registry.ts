import { spawn, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { root } from './packages.js'

const version = '6.8.0'
/** Not a devDependency: it would add 300 packages to every `npm ci`. */
const program = join(root, '.cache', `verdaccio-${version}`)

/** A registry on this machine, for loopback connections only. */
export interface Registry {
  readonly url: string
  /** Variables that make npm use it. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/**
 * Starts Verdaccio with its files in `folder`. Packages of `@sam` are those published to it; all others come from the
 * registry that npm is configured with.
 */
export async function startRegistry(folder: string): Promise<Registry> {
  installVerdaccio()
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const uplink = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const config = {
    storage: join(folder, 'storage'),
    web: { enable: false },
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
    uplinks: { configured: { url: uplink, timeout: '120s', max_fails: 100 } },
    packages: {
      '@sam/*': { access: '$all', publish: '$all' },
      '**': { access: '$all', proxy: 'configured' }
    },
    max_body_size: '200mb',
    log: { type: 'stdout', format: 'pretty', level: 'warn' }
  }
  const [configFile, npmrc] = [join(folder, 'config.yaml'), join(folder, 'npmrc')]
  writeFileSync(configFile, JSON.stringify(config)) // JSON is YAML
  // npm publishes only with a token; this registry accepts any.
  writeFileSync(npmrc, `registry=${url}\n//127.0.0.1:${port}/:_authToken=local\n`)
  const server = spawn(
    process.execPath,
    [join(program, 'node_modules/verdaccio/bin/verdaccio'), '--config', configFile, '--listen', `127.0.0.1:${port}`],
    { stdio: ['ignore', 'pipe', 'pipe'] }
  )
  let log = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text: Buffer) => (log += text.toString()))
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  const until = Date.now() + 60_000
  while (!(await fetch(`${url}-/ping`).catch(() => undefined))?.ok) {
    if (server.exitCode !== null || Date.now() > until) throw new Error(`the local registry did not start:\n${log}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return {
    url,
    env: {
      npm_config_registry: url,
      npm_config_userconfig: npmrc,
      npm_config_audit: 'false',
      npm_config_fund: 'false'
    },
    async stop() {
      server.kill()
      await ended
    }
  }
}

/** Once, all or nothing. */
function installVerdaccio(): void {
  if (existsSync(program)) return
  const unfinished = `${program}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    const manifest = { private: true, dependencies: { verdaccio: version }, overrides: { 'node-fetch': '2.7.0' } }
    writeFileSync(join(unfinished, 'package.json'), JSON.stringify(manifest))
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: unfinished })
    renameSync(unfinished, program)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** A port that is free now. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
