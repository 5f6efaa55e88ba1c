import { once } from 'node:events'
import type { Command } from 'commander'
import type { ModelOptions as ServedModel } from '@sam/server'
import type { Context } from '../context.js'
import { usage } from '../failure.js'
import { readInput } from '../files.js'
import { withClip, withModel, withModelOptions, type ModelOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'

interface ServeOptions extends ModelOptions {
  readonly host: string
  readonly port: number
  readonly tokenFile?: string
  readonly clip?: string
  readonly add: readonly (readonly [name: string, checkpoint: string])[]
  readonly memory: number
  readonly cache?: string
  readonly cacheSize: number
  readonly imageOrigin: readonly string[]
  readonly internalOrigin: readonly string[]
  readonly pageOrigin: readonly string[]
  readonly labelStudio?: string
  readonly grace: number
}

const each =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[]): readonly T[] => [...before, read(text)]
const text = each(given => given)

/** `sam serve`: the HTTP server of `@sam/server`, until it is stopped. */
export function addServe(program: Command, context: Context): void {
  withModelOptions(program.command('serve').description('serve masks over HTTP, also to Label Studio and CVAT'))
    .option('--host <address>', 'where to listen; beyond this machine only with tokens', '127.0.0.1')
    .option('--port <n>', 'port; 0 takes any free one', wholeNumber('--port', { least: 0, most: 65_535 }), 8000)
    .option('--token-file <file>', 'the tokens that give access, one on each line (default: the variable SAM_TOKENS)')
    .option('--clip <folder>', 'a CLIP for text search, as of sam text; --model tiny has its own')
    .option('--add <name=checkpoint>', 'another model, by the name that requests give; repeatable', each(named), [])
    .option('--memory <MiB>', 'encoded images in memory', wholeNumber('--memory'), 1024)
    .option('--cache <folder>', 'keep encoded images on disk as well; servers may share the folder')
    .option('--cache-size <MiB>', 'most of it on disk', wholeNumber('--cache-size'), 10_240)
    .option(
      '--image-origin <origin>',
      'fetch images from here, https://example.com, or * for all; repeatable',
      text,
      []
    )
    .option('--internal-origin <origin>', 'the same for an address on a private network; repeatable', text, [])
    .option('--page-origin <origin>', 'web pages that may use the server; repeatable', text, [])
    .option('--label-studio <url>', 'fetch the images of this Label Studio; its token: the variable LABEL_STUDIO_TOKEN')
    .option(
      '--grace <seconds>',
      'time for requests in progress when it is stopped',
      wholeNumber('--grace', { least: 0 }),
      30
    )
    .addHelpText('after', '\nThe log goes to stdout, one JSON object per line. Ctrl-C or SIGTERM stops the server.')
    .action((options: ServeOptions) => serve(options, context))
}

function named(given: string): readonly [name: string, checkpoint: string] {
  const at = given.indexOf('=')
  if (at < 1) throw usage(`--add must be NAME=CHECKPOINT, found '${given}'`)
  return [given.slice(0, at), given.slice(at + 1)]
}

async function serve(options: ServeOptions, context: Context): Promise<void> {
  const tokens = await tokensOf(options, context.signal)
  const models: Record<string, ServedModel> = {}
  const load = async ([next, ...rest]: ServeOptions['add'], then: () => Promise<void>): Promise<void> => {
    if (!next) return then()
    const [name, checkpoint] = next
    const { backend, download, quiet } = options
    const own = { checkpoint, ...(backend && { backend }), ...(download && { download }), ...(quiet && { quiet }) }
    await withModel(own, context, (sam, { backend: device }) => {
      models[name] = { sam, device }
      return load(rest, then)
    })
  }
  const withFirst = options.clip !== undefined || options.model === 'tiny' ? withClip : withModel
  await withFirst(options, context, async (sam, { backend, automatic }) => {
    models[sam.config.name.replace(/[^a-z0-9_.]/g, '_')] = { sam, device: backend, automatic }
    await load(options.add, () => listen(models, { tokens, options, context }))
  })
}

async function listen(
  models: Readonly<Record<string, ServedModel>>,
  { tokens, options, context }: { tokens: readonly string[]; options: ServeOptions; context: Context }
): Promise<void> {
  const { signal, terminal } = context
  const { createServer } = await import('@sam/server')
  const { LABEL_STUDIO_TOKEN: token } = process.env
  const server = await createServer({
    models,
    tokens,
    fetch: { origins: options.imageOrigin, internalOrigins: options.internalOrigin },
    labelStudio: options.labelStudio === undefined ? undefined : { url: options.labelStudio, ...(token && { token }) },
    corsOrigins: options.pageOrigin,
    cache: {
      memoryBytes: options.memory * 2 ** 20,
      folder: options.cache,
      diskBytes: options.cacheSize * 2 ** 20
    },
    logLevel: options.quiet ? 'warn' : 'info',
    log: { write: line => terminal.out(line) }
  })
  signal.throwIfAborted()
  const url = await server.listen({ host: options.host, port: options.port })
  if (!options.quiet) terminal.err(`sam: listening on ${url}\n`)
  if (!signal.aborted) await once(signal, 'abort')
  await server.close({ grace: options.grace * 1000 })
}

/** The tokens of the file, or of the environment: on a command line, all users of the machine could read them. */
async function tokensOf({ tokenFile }: ServeOptions, signal: AbortSignal): Promise<readonly string[]> {
  const given =
    tokenFile === undefined
      ? (process.env.SAM_TOKENS ?? '')
      : new TextDecoder().decode(await readInput(tokenFile, { limit: 1 << 20, signal }))
  return given.split(/\s+/).filter(token => token !== '')
}
