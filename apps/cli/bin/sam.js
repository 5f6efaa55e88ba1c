#!/usr/bin/env node
// Before anything is imported, so that Ctrl-C exits with 130 from the start.
const stop = () => process.exit(130)
process.once('SIGINT', stop).once('SIGTERM', stop)
const { main } = await import('../dist/main.js')
process.off('SIGINT', stop).off('SIGTERM', stop)

await main(process.argv.slice(2))
