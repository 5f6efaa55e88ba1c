import { Command } from 'commander'
import { addAnnotate } from './commands/annotate.js'
import { addConvert } from './commands/convert.js'
import { addConvertAnnotations } from './commands/convert-annotations.js'
import { addDemo } from './commands/demo.js'
import { addExport } from './commands/export.js'
import { addEmbed } from './commands/embed.js'
import { addEval } from './commands/eval.js'
import { addGenerate } from './commands/generate.js'
import { addInspect } from './commands/inspect.js'
import { addPredict } from './commands/predict.js'
import { addQueue } from './commands/queue.js'
import { addServe } from './commands/serve.js'
import { addText } from './commands/text.js'
import { addTrain } from './commands/train.js'
import { addWorker } from './commands/worker.js'
import type { Context } from './context.js'
import { failureOf } from './failure.js'
import { progressOn } from './progress.js'
import { processTerminal, type Terminal } from './terminal.js'
import { json } from './text.js'
import { version } from './version.js'

/**
 * Runs the command line of this process and sets its exit code. Ctrl-C stops it with code 130; a second one ends the
 * process immediately.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const stop = (): void => {
    process.exitCode = 130
    controller.abort(new Error('stopped'))
  }
  // The handlers stay until the process has ended, so that a late Ctrl-C also exits with 130.
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const terminal = processTerminal()
  const code = await run(argv, { terminal, signal })
  const written = await terminal.flush().then(
    () => true,
    (error: Error) => {
      terminal.err(`sam: ${error.message}\n`)
      return false
    }
  )
  if (!signal.aborted) process.exitCode = code || (written ? 0 : 1)
  // Pending work may still keep the process alive. A native call is waited for: see `native-section.js`.
  else process.exit()
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
    return signal.aborted ? 130 : partly ? 1 : 0
  } catch (error) {
    const failure = failureOf(error, signal)
    if (!failure) return 0
    const { code, message, exitCode } = failure
    if (wantsJson) terminal.out(json({ error: { code, message } }))
    // Indented, so that a line break in a name cannot imitate a line of ours.
    else terminal.err(`sam: ${message.trimEnd().replaceAll('\n', '\n     ')}\n`)
    return exitCode
  }
}

function programFor(context: Context, { quietErrors }: { quietErrors: boolean }): Command {
  const { terminal } = context
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
  for (const add of [
    addPredict,
    addText,
    addGenerate,
    addAnnotate,
    addWorker,
    addQueue,
    addEmbed,
    addInspect,
    addConvert,
    addConvertAnnotations,
    addExport,
    addTrain,
    addEval,
    addServe,
    addDemo
  ])
    add(program, context)
  return program
}
