// The nx target `publish`: publishes the package of a folder. Skips a version that the registry has, so that an
// interrupted release can be repeated.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder] = process.argv.slice(2)
const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const { stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' })
if (stdout.trim() === version) console.log(`${name}@${version} is already published`)
else process.exitCode = spawnSync('npm', ['publish'], { cwd: folder, stdio: 'inherit' }).status ?? 1
