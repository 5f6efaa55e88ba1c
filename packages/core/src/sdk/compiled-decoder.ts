import type { Executable } from '../backend/backend.js'
import type { CompiledGraphs } from '../backend/compiled-graphs.js'
import type { Graph } from '../ir/graph.js'
import { structureOf } from '../ir/structure.js'
import { absorbProjections } from '../passes/absorb-projections.js'
import { stage } from '../passes/stage.js'
import type { SamConfig } from '../sam/config.js'
import { decodeMasks, type PromptSignature } from '../sam/graphs.js'

/** Prompt encoder and mask decoder for one prompt shape. */
export interface DecoderStages {
  /** The part that depends on the image alone, run once per image. Its outputs are inputs of `perPrompt`. */
  readonly perImage: Executable
  /** The rest: run once per prompt. */
  readonly perPrompt: Executable
}

/** Inputs that stay the same for all prompts on one image. */
const fixedInputs = ['image_embedding']

/**
 * The decoder of one model, compiled per prompt shape. Stages are cached by graph structure: two prompt shapes share a
 * stage exactly if the graphs are equal. The executable of a per-image stage therefore identifies its outputs.
 */
export class CompiledDecoder {
  readonly #config: SamConfig
  readonly #graphs: CompiledGraphs
  readonly #shapes = new Map<string, Promise<DecoderStages>>()

  constructor(config: SamConfig, graphs: CompiledGraphs) {
    this.#config = config
    this.#graphs = graphs
  }

  /** Throws `InputError` `E_DISPOSED` when the model was disposed. */
  check(): void {
    this.#graphs.check()
  }

  /** The two stages of a prompt shape; the first call builds and compiles them, so that later clicks do not wait. */
  stages({ prompts, points, tokens = 0, text = 0, masks = false }: PromptSignature): Promise<DecoderStages> {
    this.check()
    const shape = `${prompts} ${points} ${tokens} ${text} ${masks}`
    let stages = this.#shapes.get(shape)
    if (!stages) {
      stages = this.#compile(decodeMasks(this.#config, { prompts, points, tokens, text, masks }))
      this.#shapes.set(shape, stages)
      stages.catch(() => this.#shapes.delete(shape)) // retry after a failure or an abort
    }
    return stages
  }

  async #compile(decoder: Graph): Promise<DecoderStages> {
    const stages = stage(absorbProjections(decoder, fixedInputs), fixedInputs, 'image')
    const compile = (graph: Graph): Promise<Executable> => this.#graphs.get(structureOf(graph), () => graph)
    const [perImage, perPrompt] = await Promise.all([compile(stages.early), compile(stages.late)])
    return { perImage, perPrompt }
  }
}
