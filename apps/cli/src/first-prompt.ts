import { cropFeeds, type Clip, type ClipConfig } from '@sam/clip'
import type { CropPreprocessor, FirstPrompt } from '@sam/train'

/** A data worker's part of text training: crops as the inputs of a CLIP. Paper: D.5. */
export const clipCrops = (config: Pick<ClipConfig, 'vision'>): CropPreprocessor => ({
  preprocess: crops => cropFeeds(crops, config)
})

/** First prompts of text training: the embeddings that a CLIP gives of objects' crops. Paper: D.5. */
export const clipFirstPrompt = (clip: Clip): FirstPrompt => ({
  ...clipCrops(clip.config),
  width: clip.width,
  embed: crops => clip.embedCropFeeds(crops)
})
