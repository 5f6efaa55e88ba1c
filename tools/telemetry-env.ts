/**
 * The environment of a separate process in which onnxruntime's telemetry would show: what it keeps in files goes to
 * `home`, and what it sends stays on this machine, since no proxy listens there. Only `PATH` is inherited, because
 * onnxruntime turns its telemetry off where a variable like `CI` or `GITHUB_ACTIONS` is set.
 *
 * @param home an empty folder
 */
export function telemetryEnv(home: string): NodeJS.ProcessEnv {
  const folders = ['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'TMPDIR']
  return {
    PATH: process.env.PATH,
    https_proxy: 'http://127.0.0.1:9',
    http_proxy: 'http://127.0.0.1:9',
    ...Object.fromEntries(folders.map(name => [name, home]))
  }
}
