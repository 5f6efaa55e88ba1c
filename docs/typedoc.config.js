// The API reference: every entry of every published package, from its TypeScript sources, as Markdown in docs/api.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Converter, ReflectionKind } from 'typedoc'

const root = new URL('..', import.meta.url).pathname

/** Names of entries, as they are imported, by their source files. */
const entries = new Map(
  readdirSync(join(root, 'packages')).flatMap(folder => {
    const { name, exports } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
    return Object.entries(exports)
      .filter(([, target]) => target['@sam/source'])
      .map(([path, target]) => [join(root, 'packages', folder, target['@sam/source']), join(name, path)])
  })
)

/** Names each module as users import it. */
const importNames = app =>
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    const [file] = context.getSymbolFromReflection(reflection)?.declarations ?? []
    reflection.name = entries.get(file?.fileName) ?? reflection.name
  })

/** @type {import('typedoc').TypeDocOptions} */
export default {
  plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme', importNames],
  entryPoints: [...entries.keys()],
  tsconfig: join(root, 'tsconfig.test.json'),
  basePath: root,
  out: join(root, 'docs/api'),
  docsRoot: join(root, 'docs'),
  name: 'API reference',
  readme: 'none',
  disableGit: true,
  disableSources: true,
  excludeScopesInPaths: true,
  excludeInternal: true,
  excludePrivate: true,
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  hideGenerator: true,
  hideBreadcrumbs: true,
  router: 'module',
  groupOrder: ['Functions', 'Classes', '*'],
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table'
}
