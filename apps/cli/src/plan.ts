import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { openWeights, type SamConfig } from '@sam/core'
import { recognise } from '@sam/core/model'
import { parseClipConfig, readClipFolder, type ClipUrls } from '@sam/clip'
import { tinyModel } from '@sam/model-tiny'
import {
  fromMae,
  readParams,
  recipes,
  storedRecipe,
  withIterations,
  withOverrides,
  type Recipe,
  type RunOptions
} from '@sam/train'
import { dataForms, openTrainingData } from './data.js'
import { usage } from './failure.js'
import { readInput } from './files.js'
import { downloadOf, type DownloadOption } from './model.js'
import { loadResearch } from './research.js'

/** How `model.safetensors` may be stored. */
export const dtypes = { f16: 'F16', f32: 'F32' } as const

/** The plan of a run, kept in its folder: all that resuming it needs. */
export interface Plan {
  readonly recipe: Recipe
  readonly data: string
  readonly heldOut?: string
  /** Initial weights; a recipe that starts from a model takes that of the tiny model by default. */
  readonly checkpoint?: string
  /** The folder of the CLIP that embeds crops. Default: that of the tiny model. */
  readonly clip?: string
  /** SHA-256 of that CLIP's weights, where they are a file: the run resumes with the same ones. */
  readonly clipHash?: string
  readonly seed: number
  readonly dtype: keyof typeof dtypes
}

/** A plan's parts as the command line may name them. */
export interface PlanOptions extends Partial<Omit<Plan, 'recipe' | 'clipHash'>>, DownloadOption {
  readonly out: string
  readonly recipe?: string
  /** A file with settings of the recipe to replace. */
  readonly config?: string
  readonly iterations?: number
}

/** Where a run's plan is kept. */
export const planFile = (folder: string): string => join(folder, 'run.json')

/** Throws `E_USAGE` where the folder holds a run. */
export function refuseExistingRun(folder: string): void {
  if (existsSync(join(folder, 'checkpoint.safetensors')))
    throw usage(`${folder} already contains a run: add --resume to continue it, or choose another folder`)
}

/** The plan of a new run. Throws `E_USAGE` where the folder holds one already, or something is missing. */
export async function newPlan({
  out,
  recipe: name,
  config,
  data,
  heldOut,
  checkpoint,
  download,
  clip,
  seed = 1,
  dtype = 'f16',
  iterations
}: PlanOptions): Promise<Plan> {
  refuseExistingRun(out)
  const known = await knownRecipes()
  if (name === undefined) throw usage(`--recipe must be one of ${Object.keys(known.all).join(', ')}`)
  if (!Object.hasOwn(known.all, name)) throw usage(`--recipe ${name}: ${known.allowed}`)
  const images = data ?? (Object.hasOwn(recipes, name) ? undefined : 'scenes')
  if (images === undefined) throw usage(`--recipe ${name} needs --data: ${dataForms}`)
  const named = known.all[name]
  if (clip !== undefined && !named.text)
    throw usage(`--clip is for recipes with text prompts; --recipe ${name} has none`)
  const own: Recipe = {
    ...named,
    ...(named.fromModel && { config: await configOfModel(checkpoint, download ? { download } : {}) }),
    ...(named.text && { text: { ...named.text, width: await widthOf(clipOf(clip)) } })
  }
  const overridden = config === undefined ? own : withOverrides(own, await readJson(config))
  const recipe = iterations === undefined ? overridden : withIterations(overridden, iterations)
  const clipHash = recipe.text && (await hashOfClip(clip))
  return {
    recipe,
    data: images,
    seed,
    dtype,
    ...(heldOut !== undefined && { heldOut }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(clip !== undefined && { clip }),
    ...(clipHash !== undefined && { clipHash })
  }
}

/**
 * The plan of the run in a folder; its length and the type of its model may be changed. Throws `E_USAGE` where there is
 * none, or where the command line names another recipe, other data or another beginning than the run has.
 */
export async function knownPlan(options: PlanOptions): Promise<Plan> {
  const { out, iterations } = options
  const file = planFile(out)
  if (!existsSync(file))
    throw usage(`${out} must contain a run of sam train, found no ${file}; start one without --resume`)
  const plan = planOf(await readJson(file), file, await knownRecipes())
  const flags = {
    recipe: '--recipe',
    data: '--data',
    heldOut: '--held-out',
    checkpoint: '--checkpoint',
    clip: '--clip',
    seed: '--seed'
  } as const
  for (const key of Object.keys(flags) as (keyof typeof flags)[]) {
    const begun = key === 'recipe' ? plan.recipe.name : plan[key]
    if (options[key] !== undefined && options[key] !== begun) {
      throw usage(
        `the run in ${out} was started with ${begun === undefined ? `no ${flags[key]}` : `${flags[key]} ${begun}`} and must resume with it, found ${flags[key]} ${options[key]}; omit it, or start in another folder`
      )
    }
  }
  if (options.config !== undefined)
    throw usage(
      `the run in ${out} must resume with the recipe that it was started with; omit --config, or start in another folder`
    )
  const clipHash = plan.clipHash === undefined ? undefined : await hashOfClip(plan.clip)
  if (clipHash !== plan.clipHash)
    throw usage(
      `the run in ${out} must resume with the CLIP that it was started with, SHA-256 ${plan.clipHash}, found ${clipHash} in ${plan.clip ?? 'the tiny model'}; restore it, or start in another folder`
    )
  return {
    ...plan,
    ...(iterations !== undefined && { recipe: withIterations(plan.recipe, iterations) }),
    dtype: options.dtype ?? plan.dtype
  }
}

/**
 * The params that a run begins with, from a SAM, the same with larger patches, or from MAE pretraining; undefined for
 * fresh ones. Throws `WeightsError` where they are not of the recipe's model.
 */
export async function firstWeights(
  { recipe, checkpoint, seed }: Plan,
  download: DownloadOption = {}
): Promise<RunOptions['weights']> {
  if (checkpoint === undefined && !recipe.fromModel) return undefined
  const source = await openWeights(checkpoint ?? tinyModel().weights, { download: downloadOf(download) })
  try {
    if (source.has('cls_token')) return await fromMae(source, recipe.config, { seed })
    const found = recognise(source, { decoderHeads: recipe.config.decoder.heads })
    const research = await loadResearch()
    return found && research?.canResample(found, recipe.config)
      ? research.resampleSam(await readParams(source, found), found, recipe.config)
      : await readParams(source, recipe.config)
  } finally {
    await source.close()
  }
}

/** Where the CLIP is that a plan's text prompts are learnt from. */
export const clipOf = (clip: string | undefined): string | ClipUrls => clip ?? tinyModel().clip.model

/** A plan's images to train on, and those held out: the same for whoever opens them. */
export const imagesOf = (plan: Plan): ReturnType<typeof openTrainingData> =>
  openTrainingData(plan, { seed: plan.seed, size: plan.recipe.config.imageSize })

const widthOf = async (folder: string | ClipUrls): Promise<number> =>
  parseClipConfig((await readClipFolder(folder)).config).projection

/** SHA-256 of a CLIP's weights, where they are a file. */
async function hashOfClip(clip: string | undefined): Promise<string | undefined> {
  const { weights } = await readClipFolder(clipOf(clip))
  if (!(weights instanceof URL) || weights.protocol !== 'file:') return undefined
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(weights)) hash.update(chunk as Buffer)
  } catch (cause) {
    return refuse(`--clip ${clip}`, (cause as Error).message)
  }
  return hash.digest('hex')
}

async function configOfModel(checkpoint: string | undefined, download: DownloadOption): Promise<SamConfig> {
  if (checkpoint === undefined) return tinyModel().config
  const source = await openWeights(checkpoint, { download: downloadOf(download) })
  try {
    return recognise(source) ?? refuse(checkpoint, 'it must be a SAM checkpoint, found names of no SAM')
  } finally {
    await source.close()
  }
}

interface KnownRecipes {
  readonly all: Readonly<Record<string, Recipe>>
  /** For messages about a name that is not among them. */
  readonly allowed: string
}

/** The recipes of `@sam/train`, and those of the research workspace where it is there. */
async function knownRecipes(): Promise<KnownRecipes> {
  const research = await loadResearch()
  const all = { ...recipes, ...research?.recipes }
  const allowed = `Allowed choices are ${Object.keys(all).join(', ')}.`
  return {
    all,
    allowed: research ? allowed : `${allowed} The recipes of the tiny model need a clone of the repository`
  }
}

function planOf(value: unknown, file: string, { all, allowed }: KnownRecipes): Plan {
  const { recipe, data, heldOut, checkpoint, clip, clipHash, seed, dtype } = (value ?? {}) as Record<
    keyof Plan,
    unknown
  >
  const name = (recipe as Recipe | undefined)?.name
  if (typeof name !== 'string' || !Object.hasOwn(all, name))
    return refuse(file, `its recipe must be one of sam train's, found ${String(name)}. ${allowed}`)
  const text = (given: unknown): given is string | undefined => given === undefined || typeof given === 'string'
  if (
    typeof data !== 'string' ||
    !text(heldOut) ||
    !text(checkpoint) ||
    !text(clip) ||
    !text(clipHash) ||
    !Number.isInteger(seed) ||
    !Object.hasOwn(dtypes, dtype as string)
  ) {
    return refuse(file, 'it must hold recipe, data, seed and dtype, as sam train wrote them')
  }
  return {
    recipe: storedRecipe(all[name], recipe),
    data,
    seed: seed as number,
    dtype: dtype as Plan['dtype'],
    ...(heldOut !== undefined && { heldOut }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(clip !== undefined && { clip }),
    ...(clipHash !== undefined && { clipHash })
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readInput(path))
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    return refuse(path, `it is not whole JSON (${(cause as Error).message})`)
  }
}

function refuse(what: string, why: string): never {
  throw usage(`${what}: ${why}`)
}
