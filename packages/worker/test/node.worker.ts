// A thread that runs from source: tools/run.js imports nothing more once this script has ended.
import './serve.worker.js'

await new Promise(() => {})
