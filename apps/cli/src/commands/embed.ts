import { join } from 'node:path'
import type { Command } from 'commander'
import type { EncodedImage, SampleOptions } from '@sam/core'
import type { Context } from '../context.js'
import { eachPhoto, isUnreadable } from '../each-photo.js'
import { usage } from '../failure.js'
import { checkOutputFolder, outputFolder, refuseOverwriting, stem, writeOutput } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { withPhotoOptions } from '../photo.js'
import { json, oneLine } from '../text.js'

interface EmbedOptions extends ModelOptions, SampleOptions {
  readonly out: string
}

interface Embedded {
  readonly image: string
  readonly file: string
}

/** `sam embed`: encodes photos, one self-describing embedding file each, for later prompts. */
export function addEmbed(program: Command, context: Context): void {
  withPhotoOptions(
    withModelOptions(
      program.command('embed').description('encode photos once, for later prompts').argument('<image...>', 'photos')
    )
  )
    .option('--out <folder>', 'folder of the embeddings, <photo>.embedding.safetensors', '.')
    .addHelpText('after', '\nA photo that cannot be read is reported and skipped; the exit code is then 1.')
    .action((images: string[], options: EmbedOptions) => embed(images, options, context))
}

async function embed(images: readonly string[], options: EmbedOptions, context: Context): Promise<void> {
  const jobs = images.map(image => ({ image, file: join(options.out, `${stem(image)}.embedding.safetensors`) }))
  const twice = jobs.find(({ file }, i) => jobs.findIndex(job => job.file === file) < i)
  if (twice) throw usage(`two photos would both be written to ${twice.file}; run them one by one with their own --out`)
  await refuseOverwriting(
    jobs.map(job => job.file),
    [...images, options.checkpoint, options.model]
  )
  await checkOutputFolder(options.out)
  const { backend, done } = await withModel(options, context, async (sam, { backend }) => ({
    backend,
    done: await eachPhoto(jobs, { sam, context, options }, (job, { encoded }) =>
      embedOne(encoded, job, { options, context })
    )
  }))
  if (options.json) context.terminal.out(json({ backend, images: done }))
  else
    for (const result of done) {
      if (isUnreadable(result)) context.terminal.err(`sam: ${oneLine(result.error.message)}\n`)
      else context.terminal.out(`${oneLine(result.file)}\n`)
    }
}

async function embedOne(
  encoded: EncodedImage,
  { image, file }: Embedded,
  { options, context: { signal } }: { options: EmbedOptions; context: Context }
): Promise<Embedded> {
  const bytes = await encoded.save()
  await outputFolder(options.out)
  await writeOutput(file, [bytes], signal)
  return { image, file }
}
