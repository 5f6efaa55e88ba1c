import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The fields of package.json that are read here. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly keywords?: readonly string[]
  readonly homepage?: string
  readonly bugs?: string
  readonly repository?: { readonly type: string; readonly url: string; readonly directory?: string }
  readonly engines?: { readonly node: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package that is published. */
export interface Published {
  /** Relative to the root. */
  readonly folder: string
  readonly manifest: Manifest
}

/** The package.json of a folder. */
export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest

/** All packages that are published: every workspace that is not private. */
export const publishedPackages = (): readonly Published[] =>
  ['packages', 'apps']
    .flatMap(parent => readdirSync(join(root, parent)).map(name => join(parent, name)))
    .filter(folder => existsSync(join(root, folder, 'package.json')))
    .map(folder => ({ folder, manifest: manifestOf(folder) }))
    .filter(({ manifest }) => !manifest.private)

const { repository } = manifestOf('.')
/** `owner/name` on GitHub, of the root's package.json. */
export const slug = /^git\+https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\.git$/.exec(repository!.url)![1]
/** The start of a link to a file or folder of the repository. */
export const intoRepository = new RegExp(
  `^https://(?:github\\.com/${slug}/(?:tree|blob)|raw\\.githubusercontent\\.com/${slug})/main/`
)
