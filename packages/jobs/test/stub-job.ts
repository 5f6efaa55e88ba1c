/** A job whose results need no model. */
import { InputError } from '@sam/core'
import { identityOf, openStorage, parseJob, Results, type Annotate, type JobDescription } from '../src/index.js'

/** A description of a job of which the stub computes the results. */
export const stubDescription = (settings = 'automatic: {}'): JobDescription => {
  const job = parseJob(settings, 'job.yaml')
  return { job, identity: identityOf(job, { version: '1', weights: ['stub'] }) }
}

/** Opens the results of the stub's job. */
export const stubResults = async (location: string, description = stubDescription()): Promise<Results> =>
  Results.open(await openStorage(location), description)

interface StubOptions {
  /** Milliseconds per image. */
  readonly delay?: number
  /** Called with the name and the text of each image file. */
  readonly onImage?: (image: string, text: string) => void
}

/** An annotator without a model; `computed` has the names of the images it was called for. */
export function stubAnnotator({ delay = 0, onImage }: StubOptions = {}): { annotate: Annotate; computed: string[] } {
  const computed: string[] = []
  return {
    computed,
    annotate: async ({ key, image }, bytes, signal) => {
      await new Promise(resolve => setTimeout(resolve, delay))
      signal?.throwIfAborted()
      computed.push(image)
      onImage?.(image, Buffer.from(bytes).toString())
      if (Buffer.from(bytes).toString() === 'poison') throw new InputError('E_BAD_IMAGE', `${image}: poisoned`)
      return {
        key,
        image,
        sha256: '',
        width: 2,
        height: 1,
        objects: [
          {
            segmentation: { size: [1, 2], counts: '11' },
            area: 1,
            bbox: [1, 0, 1, 1],
            predicted_iou: bytes.length / 100
          }
        ]
      }
    }
  }
}
