/**
 * Keeps the process alive while a thread of onnxruntime is in native code. Node ends all threads when the process exits.
 * A call of onnxruntime's binding that returns to an ended thread throws where nothing catches, and the process aborts
 * instead of exiting with its code.
 *
 * JavaScript, because the thread's entry point imports it.
 */

/** Indices in a section: whether the thread is in native code, and whether the process is exiting. */
const [native, exiting] = [0, 1]

/** The sections of all running threads. @type {Set<Int32Array>} */
const sections = new Set()
let watching = false

/** The state that a new thread shares with its creator. From now on, the creator's exit waits for the thread. */
export function openSection() {
  const section = new Int32Array(new SharedArrayBuffer(8))
  sections.add(section)
  if (!watching)
    process.once('exit', () => {
      for (const each of sections) Atomics.store(each, exiting, 1)
      // Exiting would wait for the native call anyway: Node joins its threads.
      for (const each of sections) Atomics.wait(each, native, 1)
    })
  watching = true
  return section
}

/**
 * To be called when the thread has ended.
 * @param {Int32Array} section
 */
export function closeSection(section) {
  sections.delete(section)
}

/**
 * Runs native code on the thread. If the process is exiting, the promise stays pending instead.
 * @template T
 * @param {Int32Array} section
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inNative(section, work) {
  // The thread writes `native` and reads `exiting`; the exit writes `exiting` and reads `native`. So one sees the other.
  Atomics.store(section, native, 1)
  try {
    if (!Atomics.load(section, exiting)) return await work()
  } finally {
    Atomics.store(section, native, 0)
    Atomics.notify(section, native)
  }
  return new Promise(() => {})
}
