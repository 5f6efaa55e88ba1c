/** A model that is published elsewhere, to download and open as a file. */
export interface PublishedModel {
  readonly label: string
  readonly description: string
  readonly licence: string
  /** Bytes of the file. */
  readonly size: number
  readonly url: string
}

const meta = 'https://dl.fbaipublicfiles.com/segment_anything/'

/** Meta's published checkpoints. */
export const publishedModels: readonly PublishedModel[] = [
  {
    label: 'SAM ViT-B',
    description: 'More accurate than MobileSAM, and slower: for computers with WebGPU.',
    licence: 'Apache-2.0',
    size: 375_042_383,
    url: `${meta}sam_vit_b_01ec64.pth`
  },
  {
    label: 'SAM ViT-L',
    description: 'More accurate than ViT-B, and slower.',
    licence: 'Apache-2.0',
    size: 1_249_524_607,
    url: `${meta}sam_vit_l_0b3195.pth`
  },
  {
    label: 'SAM ViT-H',
    description: 'The most accurate, the slowest.',
    licence: 'Apache-2.0',
    size: 2_564_550_879,
    url: `${meta}sam_vit_h_4b8939.pth`
  }
]
