import { sampleOf, type Shell } from '../shell.js'
import { checkPng, photo, skip } from './check.js'

/** The quick start of the README, word for word, as an ES module. */
export async function node(shell: Shell): Promise<void> {
  shell.run(sampleOf('README.md', 'sh', 0), skip)
  shell.report('Node, CPU')
  shell.write('click.mjs', sampleOf('README.md', 'ts', 0))
  shell.copy(photo, 'photo.jpg')
  await checkPng(shell.run('node click.mjs'), shell.read('mask.png'))
}
