/** The part of transformers.js that is used, so that any version or test double works. */
export interface TransformersModule {
  readonly env: TransformersEnv
  readonly AutoTokenizer: { from_pretrained(id: string, options: object): Promise<TextTokenizer> }
  readonly CLIPTextModelWithProjection: { from_pretrained(id: string, options: object): Promise<TextModel> }
}

/** Process-wide settings. */
export interface TransformersEnv {
  allowRemoteModels: boolean
  allowLocalModels: boolean
  localModelPath: string
  remoteHost: string
  /** The folder of a repository on its host: `{model}/resolve/{revision}/`. */
  remotePathTemplate?: string
  cacheDir?: string | null
  fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>
  readonly backends: { readonly onnx: { readonly wasm?: { wasmPaths?: unknown } } }
}

export interface DownloadEvent {
  readonly status: string
  readonly file?: string
  readonly loaded?: number
  readonly total?: number
}

export interface TextTokenizer {
  (texts: readonly string[], options: { padding: 'max_length'; truncation: boolean; max_length: number }): object
  encode(text: string): readonly number[]
}

export interface TextModel {
  (tokens: object): Promise<{ readonly text_embeds: { readonly dims: readonly number[]; readonly data: Float32Array } }>
  readonly config: {
    readonly max_position_embeddings?: number
    readonly text_config?: { readonly max_position_embeddings?: number }
  }
  dispose(): Promise<unknown>
}

export interface Settings {
  readonly env: Partial<TransformersEnv>
  readonly wasmPaths?: string | undefined
}

/** Loads run one after the other, because the module's settings are process-wide. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Runs `load` with settings that are restored afterwards, also after errors. They are derived from the module's own
 * settings, while no other load has replaced them.
 */
export function withSettings<T>(
  { env }: TransformersModule,
  settings: (env: TransformersEnv) => Settings,
  load: () => Promise<T>
): Promise<T> {
  const loading = last.then(async () => {
    const { env: wanted, wasmPaths } = settings(env)
    const before = Object.fromEntries(Object.keys(wanted).map(key => [key, env[key as keyof TransformersEnv]]))
    Object.assign(env, wanted)
    // The paths of the runtime's files stay set: they are needed at the first run.
    if (wasmPaths !== undefined && env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = wasmPaths
    try {
      return await load()
    } finally {
      Object.assign(env, before)
    }
  })
  last = loading.catch(() => {})
  return loading
}
