import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addConvert } from './commands/convert.js'
import { addDemo } from './commands/demo.js'
import { addExport } from './commands/export.js'
import { addEmbed } from './commands/embed.js'
import { addEval } from './commands/eval.js'
import { addInspect } from './commands/inspect.js'
import { addPredict } from './commands/predict.js'
import { addText } from './commands/text.js'
import { addTrain } from './commands/train.js'
import type { Context } from './context.js'
import { failureOf } from './failure.js'
import { progressOn } from './progress.js'
import { processTerminal, type Terminal } from './terminal.js'
import { json } from './text.js'

/**
 * Runs the command line of this process: sets its exit code, and aborts on Ctrl-C (twice: immediately).
 */
export async function main(argv: readonly string[]): Promise<void> {
  const controller = new AbortController()
  const stop = (): void => controller.abort(new Error('stopped'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  process.exitCode = await run(argv, { terminal: processTerminal(), signal: controller.signal })
  process.off('SIGINT', stop).off('SIGTERM', stop)
  // Pending work may still keep the process alive.
  if (controller.signal.aborted) process.exit()
}

/** Runs one command line. Returns the exit code: 0 done, 1 failed, 2 wrong command line, 130 stopped. */
export async function run(
  argv: readonly string[],
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal }
): Promise<number> {
  let partly = false
  const context: Context = {
    terminal,
    signal,
    progress: options => progressOn(terminal, options),
    partlyFailed: () => {
      partly = true
    }
  }
  const wantsJson = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json')
  try {
    await programFor(context, { quietErrors: wantsJson }).parseAsync(argv, { from: 'user' })
    return partly ? 1 : 0
  } catch (error) {
    const failure = failureOf(error, signal)
    if (!failure) return 0
    const { code, message, exitCode } = failure
    if (wantsJson) terminal.out(json({ error: { code, message } }))
    else terminal.err(`sam: ${message}\n`)
    return exitCode
  }
}

function programFor(context: Context, { quietErrors }: { quietErrors: boolean }): Command {
  const { terminal } = context
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const program = new Command('sam')
    .description('Segment Anything: masks of an image from clicks, boxes and text.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.out(text),
      writeErr: text => {
        if (!quietErrors) terminal.err(text)
      },
      outputError: () => {}
    })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nResults go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong command line, 130 stopped.\nPut file names that start with a dash after --.'
    )
  for (const add of [addPredict, addText, addEmbed, addInspect, addConvert, addExport, addTrain, addEval, addDemo])
    add(program, context)
  return program
}
