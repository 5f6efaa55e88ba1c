import { failAt } from './fail.js'
import { isHuggingFace, toMeta } from './hugging-face.js'
import { foldedMobileSam } from './mobile-sam.js'
import { renamed, type WeightSource } from './source.js'
import { brief } from '../errors.js'

/** The parts of a SAM, as Meta and Hugging Face name them: what stands before one in a name is the SAM's prefix. */
const part = /(?<=^|\.)(?:image_encoder|vision_encoder|prompt_encoder|mask_decoder)(?=\.)/

/**
 * What torch's own wrappers put into the names of what they wrap, at any place: compile, data parallel, checkpointing.
 */
const wrapper = /(?<=^|\.)(?:_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\./g

/** The prefixes under which these names hold a SAM: a mask decoder and another part. '' is a SAM without a prefix. */
export function samPrefixes(names: readonly string[]): readonly string[] {
  const parts = new Map<string, Set<string>>()
  for (const name of names) {
    const found = part.exec(name)
    if (!found) continue
    const prefix = name.slice(0, found.index)
    parts.set(prefix, (parts.get(prefix) ?? new Set()).add(found[0]))
  }
  return [...parts].flatMap(([prefix, found]) => (found.has('mask_decoder') && found.size > 1 ? [prefix] : []))
}

/**
 * The same checkpoint under Meta's names. A SAM under one prefix (`model.`, `sam.`, `model_state.sam.`, whatever it is)
 * loses it, and what the file holds beside that SAM is left out; what torch's wrappers put into its names is removed;
 * names of Hugging Face are translated, and MobileSAM's batch norms folded. A file with several SAMs keeps its names:
 * `recognise` says which there are. Other networks (a CLIP, an encoder alone) lose the usual prefixes where every name
 * has them.
 *
 * Throws `WeightsError` `E_WEIGHTS_FORMAT` where two names become one.
 */
export function underMetaNames(source: WeightSource): WeightSource {
  const prefixes = samPrefixes(source.names)
  if (prefixes.length === 0) return foldedMobileSam(withoutSharedPrefix(source))
  if (prefixes.length > 1) return source
  const [prefix] = prefixes
  const bare = (name: string): string => name.slice(prefix.length).replace(wrapper, '')
  const names = source.names.filter(name => name.startsWith(prefix)).map(bare)
  const translate = isHuggingFace(names) ? toMeta(names) : undefined
  if (prefix === '' && !translate && names.every((name, i) => name === source.names[i])) return foldedMobileSam(source)

  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name))
      failAt(source.label)(`holds '${brief(name)}' with and without a wrapper; save one of them alone`)
    seen.add(name)
  }
  const bared = renamed(source, name => {
    if (!name.startsWith(prefix)) return undefined
    return translate ? translate(bare(name)) : bare(name)
  })
  return foldedMobileSam(bared)
}

/** What training scripts put before every name. */
const usualPrefixes = ['module.', 'model.', 'sam.', '_orig_mod.']

function withoutSharedPrefix(source: WeightSource): WeightSource {
  const { names } = source
  let prefix = ''
  for (let next: string | undefined = ''; next !== undefined && names.length > 0; prefix += next ?? '')
    next = usualPrefixes.find(start => names.every(name => name.startsWith(prefix + start)))
  return prefix === '' ? source : renamed(source, name => name.slice(prefix.length))
}
