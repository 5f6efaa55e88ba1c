/** The Markdown pages of the repository, and the TypeScript samples in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const folders = ['packages', 'apps', 'apps/examples', 'research'].flatMap(parent =>
  readdirSync(join(root, parent)).map(name => join(parent, name))
)

/** Paths of the pages, relative to {@link root}. */
export const pages: readonly string[] = ['', 'docs', 'fixtures', '.changeset', 'apps/cli/assets', ...folders].flatMap(
  folder =>
    readdirSync(join(root, folder))
      .filter(name => name.endsWith('.md') && name !== 'CHANGELOG.md')
      .map(name => join(folder, name))
)

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The page without its code blocks and comments. */
export const proseOf = (page: string): string => textOf(page).replace(/^```.*?^```$|<!--.*?-->/gms, '')

/** A block of a page, as TypeScript. */
export interface Sample {
  /** A file name for it, of the page and its number in the page. */
  readonly name: string
  readonly code: string
  /** Whether it is marked to run in a test: ```ts run. */
  readonly run: boolean
}

export const samplesOf = (page: string): Sample[] =>
  [...textOf(page).matchAll(/^```(tsx?)( run)?\n(.*?)^```$/gms)].map(([, type, run, code], i) => ({
    name: `${basename(page)}.${i + 1}.${type}`,
    code,
    run: run !== undefined
  }))
