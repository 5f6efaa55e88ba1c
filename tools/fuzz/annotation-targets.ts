import { Mask } from '../../packages/core/src/masks/mask.js'
import {
  annotationFormats,
  readAnnotations,
  writeAnnotations,
  type AnnotatedImage
} from '../../packages/annotations/src/index.js'
import type { Target } from './target.js'

/** The files that carry the annotations of an image in formats of several files. */
const damaged: Readonly<Record<string, RegExp>> = { yolo: /labels|yaml/, voc: /Segmentation(?:Class|Object)/ }

/** A reader of each annotation format. One file of a set is damaged, the others are whole. */
export function annotationTargets(): Target[] {
  const size = { width: 7, height: 5 }
  const mask = (inside: (i: number) => boolean) =>
    new Mask({ ...size, data: Uint8Array.from({ length: 35 }, (_, i) => (inside(i) ? 1 : 0)) })
  const objects = [
    { id: '1', category: 'ring', score: 0.5, mask: mask(i => i < 15 && i !== 8) },
    { id: '2', category: 'a & b', score: 0.25, mask: mask(i => i > 20 && i % 7 < 3) }
  ]
  const image: AnnotatedImage = { id: '1', file: 'a.png', ...size, objects }
  return annotationFormats.map(format => {
    const sets = (['mask', 'polygon'] as const).map(shapes => writeAnnotations([image], { format, shapes }))
    const names = [...sets[0].keys()].filter(name => damaged[format]?.test(name) ?? true)
    const corpus = sets.flatMap(files => names.map(name => files.get(name)!))
    return {
      name: `annotations, ${format}`,
      corpus,
      run: async bytes => {
        const name = names[bytes.length % names.length]
        const images = await readAnnotations(new Map([...sets[0], [name, bytes]]), {
          format,
          findImage: file => ({ file, ...size }),
          onSkipped: () => {}
        })
        for (const { width, height, objects } of images)
          for (const { mask } of objects)
            if (mask.width !== width || mask.height !== height || mask.area === 0)
              throw new Error('a mask must have the size of its image, and pixels inside')
        // What was read can be written, whatever its names are.
        writeAnnotations(
          images.map((one, i) => ({ ...one, file: `${i}.png` })),
          { format: 'coco' }
        )
      }
    }
  })
}
