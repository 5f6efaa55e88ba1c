import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectServer } from '@sam/client'
import { describe, expect, it } from 'vitest'
import { sam, tinyPhoto, workFolder, type Outcome } from './sam.js'

describe('sam serve', async () => {
  const folder = await workFolder()

  /** Starts a server, and stops it after `use`. */
  async function serving(argv: readonly string[], use: (url: string) => Promise<void>): Promise<Outcome> {
    const controller = new AbortController()
    let listening = (_: string): void => {}
    const url = new Promise<string>(resolve => (listening = resolve))
    const ended = sam(['serve', '--port', '0', ...argv], {
      signal: controller.signal,
      onErr: text => {
        const [, found] = /listening on (\S+)/.exec(text) ?? []
        if (found) listening(found)
      }
    })
    try {
      const first = await Promise.race([url, ended])
      if (typeof first !== 'string') throw new Error(first.err)
      await use(first)
    } finally {
      controller.abort(new Error('stopped'))
    }
    return ended
  }

  it('serves the models with a token of a file, a cache and a log, until it is stopped', async () => {
    const [tokenFile, cache] = [join(folder, 'tokens'), join(folder, 'cache')]
    await writeFile(tokenFile, 'token-of-16-chars\n')
    const { code, out } = await serving(['--model', 'tiny', '--token-file', tokenFile, '--cache', cache], async url => {
      await expect(connectServer(url)).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
      const remote = await connectServer(url, { token: 'token-of-16-chars' })
      const image = await remote.encode(await tinyPhoto())
      const { masks } = await image.predict({ points: [{ x: 20, y: 20 }] })
      expect(masks).toHaveLength(3)
      expect(await image.query('a red circle', { threshold: 0 })).not.toHaveLength(0)
    })
    expect(code).toBe(130)
    const lines = out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { route?: string; status?: number })
    expect(lines).toContainEqual(expect.objectContaining({ route: '/v1/images/:id/predict', status: 200 }))
  })

  it.each([
    [['--host', '0.0.0.0', '--model', 'tiny'], 1, 'tokens'],
    [['--port', '70000'], 2, '--port'],
    [['--add', 'name'], 2, 'NAME=CHECKPOINT'],
    [['--image-origin', 'example.com', '--model', 'tiny'], 1, 'origin'],
    [['--token-file', 'missing'], 1, 'missing']
  ])('refuses %s', async (argv, code, text) => {
    const outcome = await sam(['serve', ...argv])
    expect(outcome.code).toBe(code)
    expect(outcome.err).toContain(text)
  })
})
