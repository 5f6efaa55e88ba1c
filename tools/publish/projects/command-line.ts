import type { Shell } from '../shell.js'
import { checkClick, click, photo, skip } from './check.js'

/** A proxy that refuses every connection, for the install script of onnxruntime-node alone. */
const noDownload = { GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9' }

/**
 * `@sam/cli`, first where the install script of onnxruntime-node cannot download: the install succeeds without it, and
 * `sam` runs on wasm. Then as the message says.
 */
export function commandLine(shell: Shell): void {
  shell.copy(photo, 'photo.jpg')
  const predict = `npx sam predict photo.jpg --point ${click.x},${click.y} --json`
  // Elsewhere the script downloads nothing, and so cannot fail.
  if (process.platform === 'linux' && process.arch === 'x64') {
    shell.run('npm install @sam/cli', noDownload)
    shell.report('command line without onnxruntime-node')
    const { code, stdout, stderr } = shell.try(predict)
    if (code !== 0 || !/running on wasm.*onnxruntime-node must be installed/.test(stderr)) throw new Error(stderr)
    check(stdout, 'wasm')
    const refused = shell.try(`${predict} --backend cpu`)
    if (refused.code !== 1 || !refused.stdout.includes('npm install onnxruntime-node')) throw new Error(refused.stdout)
  }
  shell.run('npm install @sam/cli onnxruntime-node@1.30.0', skip)
  shell.report('command line')
  check(shell.run(predict), 'cpu')
}

interface Result {
  readonly backend: string
  readonly objects: readonly { readonly masks: readonly { readonly predicted_iou: number; readonly area: number }[] }[]
}

function check(stdout: string, backend: string): void {
  const result = JSON.parse(stdout) as Result
  if (result.backend !== backend) throw new Error(`the backend must be ${backend}, found ${result.backend}`)
  const { predicted_iou: predictedIou, area } = result.objects[0].masks[0]
  checkClick({ predictedIou, area })
}
