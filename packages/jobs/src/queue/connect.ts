import { shownAddress } from '@sam/core/graph'
import type * as BullMQ from 'bullmq'
import type { Redis } from 'ioredis'
import { JobError } from '../errors.js'
import { optional } from '../optional.js'

/** BullMQ on a connection. */
export interface Connection {
  readonly bullmq: typeof BullMQ
  readonly redis: Redis
  close(): Promise<void>
}

/**
 * Connects to Redis; afterwards a lost connection is opened again, and commands wait for it. Throws `JobError`
 * `E_QUEUE` where it cannot be reached, or where the packages are not installed.
 */
export async function connect(url: string): Promise<Connection> {
  if (!/^rediss?:\/\//.test(url))
    throw new JobError('E_QUEUE', `${shownAddress(url)}: a queue must be redis://HOST:PORT`)
  const packages = { code: 'E_QUEUE', install: 'bullmq ioredis', purpose: 'a queue' } as const
  const [bullmq, { Redis }] = await optional(async () => Promise.all([import('bullmq'), import('ioredis')]), packages)
  const options = { maxRetriesPerRequest: null, lazyConnect: true } as const

  const probe = new Redis(url, { ...options, retryStrategy: () => null })
  let reason: Error | undefined
  probe.on('error', error => (reason = error))
  try {
    await probe.connect()
    await probe.ping()
  } catch (cause) {
    const { message, code } = (reason ?? cause) as NodeJS.ErrnoException
    throw new JobError('E_QUEUE', `${shownAddress(url)}: cannot connect to Redis: ${message || code}`, { cause })
  } finally {
    probe.disconnect()
  }

  const redis = new Redis(url, { ...options, retryStrategy: times => Math.min(100 * 2 ** Math.min(times, 6), 5000) })
  redis.on('error', () => {}) // it connects again
  await redis.connect()
  return { bullmq, redis, close: async () => redis.disconnect() }
}
