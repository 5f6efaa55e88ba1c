import { TaskQueue } from '@sam/jobs'
import { Argument, type Command } from 'commander'
import type { CommonOptions, Context } from '../context.js'
import { withCommonOptions } from '../model.js'
import { json, table } from '../text.js'

interface QueueOptions extends CommonOptions {
  readonly queue: string
}

type Action = 'status' | 'failed' | 'retry'

/** `sam queue`: what is in a queue. */
export function addQueue(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('queue')
      .description('counts of a queue, its failed images, and another try for them')
      .addArgument(new Argument('<action>', 'what to do').choices(['status', 'failed', 'retry']))
  )
    .requiredOption('--queue <url>', 'redis://HOST:PORT')
    .addHelpText('after', help)
    .action((action: Action, options: QueueOptions) => look(action, options, context))
}

const help = `
status: images that wait, are in work, wait for another try, and failed. failed: which failed, and why. retry: puts all
that failed back into the queue.`

async function look(action: Action, options: QueueOptions, { terminal }: Context): Promise<void> {
  const queue = await TaskQueue.open(options.queue)
  try {
    if (action === 'retry') {
      const retried = await queue.retryFailed()
      terminal.out(options.json ? json({ retried }) : `${retried} images are tried again\n`)
    } else if (action === 'status') {
      const counts = await queue.counts()
      const rows = Object.entries(counts).map(([name, count]) => [name, String(count)])
      terminal.out(options.json ? json(counts) : table('lr', [['state', 'images'], ...rows]))
    } else {
      const failed = []
      for await (const { task, results, attempts, reason } of queue.deadLetters())
        failed.push({ image: task.image, results, attempts, reason })
      const rows = failed.map(({ image, results, attempts, reason }) => [image, String(attempts), results, reason])
      terminal.out(options.json ? json({ failed }) : table('lrll', [['image', 'tries', 'results', 'reason'], ...rows]))
    }
  } finally {
    await queue.close()
  }
}
