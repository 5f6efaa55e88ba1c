import { publishedPackages } from '../packages.js'
import { sampleOf, type Shell } from '../shell.js'

/**
 * TypeScript versions and whether they check the declarations of the packages too (`skipLibCheck: false`). Before 5.7,
 * `Uint8Array` is not generic, and the declarations name `Uint8Array<ArrayBuffer>`.
 */
const versions = { '5.4.5': false, '5.7.3': true, '5.9.3': true, '6.0.3': true, '7.0.2': true }

/** Its declarations name those of tfjs, which conflict with TypeScript's own of WebGPU: never checked. */
const unchecked = '@sam/backend-webgpu'

/** Packages for browsers, other than `unchecked`. */
const browserPackages = [
  'annotations',
  'annotator',
  'client',
  'core',
  'backend-wasm',
  'model-mobile',
  'clip',
  'worker'
].map(name => `@sam/${name}`)

/**
 * Installs every package where `@sam/cli` is, imports those for Node, and compiles programs that import the packages,
 * for Node and for bundlers.
 */
export function types(shell: Shell): void {
  const names = publishedPackages().map(({ manifest }) => manifest.name)
  const compilers = Object.keys(versions).map(version => `typescript-${version}@npm:typescript@${version}`)
  shell.run(`npm install --ignore-scripts ${names.join(' ')} ${compilers.join(' ')} @types/node@20`)
  shell.run('npm pkg set type=module')
  const nodePackages = names.filter(name => name !== unchecked)
  shell.write('node.ts', importing(nodePackages))
  shell.write('node.js', importing(nodePackages.filter(name => name !== '@sam/cli')))
  shell.run('node node.js')
  shell.write('browser.ts', importing(browserPackages))
  shell.write('webgpu.ts', importing([unchecked]))
  shell.write('click.ts', sampleOf('README.md', 'ts', 0))
  for (const [version, checked] of Object.entries(versions)) {
    for (const [name, { files, ...options }] of Object.entries(projects)) {
      const compilerOptions = { ...common, skipLibCheck: !checked, ...options }
      shell.write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions, files }))
      shell.run(`node node_modules/typescript-${version}/bin/tsc -p tsconfig.${name}.json`)
    }
    console.log(`  TypeScript ${version}, skipLibCheck: ${!checked}`)
  }
}

const importing = (names: readonly string[]): string =>
  names.map((name, i) => `export * as all${i} from '${name}'\n`).join('')

const common = { target: 'es2022', strict: true, noEmit: true }

const bundled = {
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'],
  types: []
}

const projects = {
  node: { module: 'nodenext', lib: ['es2022', 'dom'], types: ['node'], files: ['node.ts', 'click.ts'] },
  browser: { ...bundled, files: ['browser.ts'] },
  webgpu: { ...bundled, skipLibCheck: true, files: ['webgpu.ts'] }
}
