import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { lockFolder } from './folder-lock.js'

const folder = await mkdtemp(join(tmpdir(), 'sam-lock-'))
afterAll(() => rm(folder, { recursive: true }))
const path = join(folder, 'run.lock')
const lockOf = (pid: number, host = hostname(), start = '1'): Promise<void> =>
  writeFile(path, JSON.stringify({ pid, host, start }))

it('lockFolder: refuses a locked folder, names its process, and allows it after the release', async () => {
  const lock = await lockFolder(folder)
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'E_BAD_OPTION',
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}`) as string
  })
  await lock.release()
  expect(await readdir(folder)).toEqual([])
  await (await lockFolder(folder)).release()
})

it('lockFolder: takes over the lock of a process that has ended', async () => {
  await lockOf(spawnSync(process.execPath, ['--version']).pid)
  const lock = await lockFolder(folder)
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid })
  await lock.release()
  expect(await readdir(folder)).toEqual([])
})

it.runIf(process.platform === 'linux')('lockFolder: takes over a lock whose process id was reused', async () => {
  await lockOf(process.pid, hostname(), '1')
  await (await lockFolder(folder)).release()
})

it('lockFolder: does not take over a lock of another machine, or a file that is no lock', async () => {
  await lockOf(1, 'elsewhere')
  await expect(lockFolder(folder)).rejects.toThrow(/process 1 on elsewhere.*if it has ended, delete/)
  await writeFile(path, '')
  await expect(lockFolder(folder)).rejects.toThrow(/names no process.*delete it/)
  await rm(path)
})

it('lockFolder: gives the lock to one of several processes that find a stale one', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  for (let round = 0; round < 50; round++) {
    await lockOf(pid)
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['run.lock'])
    await rm(path)
  }
})
