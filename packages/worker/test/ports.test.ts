import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, expectTypeOf, it, vi } from 'vitest'
import { configs, type EncodedImage, type Sam } from '@sam/core'
import { connect, connectSam, serve, serveSam, type RemoteImage, type RemoteSam } from '../src/index.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** What is called once all messages have arrived. */
const eventually = (check: () => void): Promise<void> =>
  vi.waitFor(
    () => {
      gc()
      check()
    },
    { timeout: 60_000, interval: 20 }
  )

/** A model that counts its images, served in this thread. */
function served() {
  const live = { images: 0, models: 0, loads: 0 }
  const load = async (): Promise<Sam> => {
    live.models++
    live.loads++
    return {
      config: configs.tiny,
      text: undefined,
      textWidth: undefined,
      async encode(): Promise<EncodedImage> {
        live.images++
        return { width: 4, height: 3, dispose: () => void live.images-- } as EncodedImage
      },
      dispose: async () => void live.models--
    } as unknown as Sam
  }
  const { port1, port2 } = new MessageChannel()
  serveSam(load, port1)
  return { live, port: port2, close: () => [port1, port2].forEach(port => port.close()) }
}

const pixels = { width: 4, height: 3, data: new Uint8Array(36) }

it('connectSam: frees images that are disposed of or that nobody refers to', async () => {
  const { live, port, close } = served()
  const sam = await connectSam(port)
  const kept = await sam.encode(pixels)
  const disposed = await sam.encode(pixels)
  await sam.encode(pixels)
  expect(live.images).toBe(3)
  disposed.dispose()
  await eventually(() => expect(live.images).toBe(1))
  expect(kept.width).toBe(4)
  await sam.dispose()
  await sam.dispose()
  expect(live).toEqual({ images: 0, models: 0, loads: 1 })
  close()
})

it('connectSam: frees a Sam that nobody refers to, once its images are gone as well', async () => {
  const { live, port, close } = served()
  let image: RemoteImage | undefined = await (await connectSam(port)).encode(pixels)
  for (let i = 0; i < 5; i++) {
    gc()
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  expect([live.models, image.height]).toEqual([1, 3])
  image = undefined
  await eventually(() => expect(live).toMatchObject({ images: 0, models: 0 }))
  close()
})

it('connectSam: shares one model between connections, and loads it again after the last', async () => {
  const { live, port, close } = served()
  const [one, two] = await Promise.all([connectSam(port), connectSam(port)])
  await one.encode(pixels)
  await one.dispose()
  expect(live).toEqual({ images: 0, models: 1, loads: 1 })
  await two.dispose()
  expect(live.models).toBe(0)
  const three = await connectSam(port)
  expect(live).toEqual({ images: 0, models: 1, loads: 2 })
  await three.dispose()
  close()
})

it('connectSam: frees an image that arrives after an abort', async () => {
  const { live, port, close } = served()
  const sam = await connectSam(port)
  const stop = new AbortController()
  const encoding = sam.encode(pixels, { signal: stop.signal })
  stop.abort()
  await expect(encoding).rejects.toBe(stop.signal.reason)
  await sam.encoderFingerprint().catch(() => {}) // a round trip
  await eventually(() => expect(live.images).toBe(0))
  await sam.dispose()
  close()
})

it('connectSam: refuses unknown options', async () => {
  const { port, close } = served()
  await expect(connectSam(port, { onprogress: () => {} } as never)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  close()
})

it('RemoteSam: has the methods of Sam, with the same types', () => {
  expectTypeOf<RemoteSam>().toExtend<Omit<Sam, 'encode' | 'encodeAll' | 'load'>>()
  expectTypeOf<RemoteImage>().toExtend<Omit<EncodedImage, 'encodeCrop'>>()
  expectTypeOf<Parameters<RemoteSam['encode']>[0]>().toEqualTypeOf<Parameters<Sam['encode']>[0]>()
  expectTypeOf<Parameters<Sam['encode']>>().toExtend<Parameters<RemoteSam['encode']>>()
  expectTypeOf<Parameters<RemoteSam['load']>>().toEqualTypeOf<Parameters<Sam['load']>>()
  expectTypeOf<Awaited<ReturnType<RemoteSam['load']>>>().toEqualTypeOf<RemoteImage>()
  expectTypeOf<keyof RemoteSam>().toEqualTypeOf<keyof Sam>()
  expectTypeOf<keyof RemoteImage>().toEqualTypeOf<keyof EncodedImage>()
})

it('connect: answers calls in any order, with errors and their causes', async () => {
  const { port1, port2 } = new MessageChannel()
  const calls = {
    slow: async (value: number) => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return { value }
    },
    fast: (url: URL, list: readonly number[]) => [url.pathname, ...list],
    fail: () => {
      const cause = Object.assign(new RangeError('inner', { cause: 7 }))
      throw new TypeError('outer', { cause })
    },
    abort: async ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>(resolve => signal.addEventListener('abort', () => resolve(String(signal.reason))))
  }
  serve(() => ({ calls }), port1)
  const { call, close } = connect<typeof calls>(port2)
  const order: string[] = []
  await Promise.all([
    call('slow', [1]).then(result => order.push(`slow ${result.value}`)),
    call('fast', [new URL('file:///x'), [2]]).then(result => order.push(`fast ${result.join(' ')}`))
  ])
  expect(order).toEqual(['fast /x 2', 'slow 1'])
  await expect(call('fail', [])).rejects.toMatchObject({
    name: 'TypeError',
    message: 'outer',
    cause: { name: 'RangeError', message: 'inner', cause: 7 }
  })
  await expect(call('toString' as 'fail', [])).rejects.toMatchObject({ code: 'E_BAD_OPTION' })

  const stop = new AbortController()
  let arrived = (_: string): void => {}
  const late = new Promise<string>(resolve => (arrived = resolve))
  const running = call('abort', [{ signal: stop.signal }], arrived)
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(await late).toBe('Error: enough')

  const pending = call('slow', [2])
  close(new Error('closed'))
  await expect(pending).rejects.toThrow('closed')
  await expect(call('slow', [3])).rejects.toThrow('closed')
})
