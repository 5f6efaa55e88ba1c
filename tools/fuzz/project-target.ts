import { unzipSync, zipSync } from 'fflate'
import { emptyProject } from '../../packages/annotator/src/document/project.js'
import { addObjects } from '../../packages/annotator/src/document/objects.js'
import { addPictures } from '../../packages/annotator/src/document/pictures.js'
import { addPoint, addStroke } from '../../packages/annotator/src/document/prompts.js'
import { readProjectFile, writeProjectFile } from '../../packages/annotator/src/storage/project-file.js'
import { Mask } from '../../packages/core/src/masks/mask.js'
import type { Target } from './target.js'

/** Project files of the annotator: whole archives, and the JSON in them. */
export async function projectTarget(): Promise<Target> {
  const size = { width: 7, height: 5 }
  const mask = new Mask({ ...size, data: Uint8Array.from({ length: 35 }, (_, i) => Number(i > 9 && i % 3 > 0)) })
  const pictures = addPictures(emptyProject, [{ id: 'a', name: 'a.png', ...size }])
  const prompted = addPoint(addObjects(pictures, [{ base: mask, name: 'a & b' }]), { x: 1, y: 2 })
  const project = addStroke(prompted, {
    radius: 1.5,
    erase: true,
    line: [
      [1, 1],
      [5, 2]
    ]
  })
  const blob = new Blob(['picture'], { type: 'image/png' })
  const file = await writeProjectFile({ project, blobOf: () => blob, candidatesOf: () => [mask] })
  const bytes = new Uint8Array(await file.arrayBuffer())
  const entries = unzipSync(bytes)
  const json = entries['project.json']
  return {
    name: 'project file',
    corpus: [bytes, json],
    run: async given => {
      const archive = given[0] === 0x7b ? zipSync({ ...entries, 'project.json': given }, { level: 0 }) : given
      const read = await readProjectFile(new Blob([archive as Uint8Array<ArrayBuffer>]))
      // What was read can be written.
      await writeProjectFile(read)
    }
  }
}
