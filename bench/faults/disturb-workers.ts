/**
 * Loaded into a daemon before its own code (`--import`), in each of its threads: at SIGUSR2 it does to one worker
 * thread what the file named by PUSHD_DISTURBANCE says. This is how a run has a thread die or hang, since no signal
 * reaches a thread alone.
 */
import { readFileSync } from 'node:fs'
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

const channel = new BroadcastChannel('disturb-workers')
if (isMainThread) {
  process.on('SIGUSR2', () => {
    const file = process.env.PUSHD_DISTURBANCE
    if (file !== undefined) channel.postMessage(readFileSync(file, 'utf8'))
  })
  channel.unref()
} else {
  channel.onmessage = (event) => disturb(String((event as { data: unknown }).data))
  channel.unref()
}

/** The workers agree without a word: the lowest thread number of those that hear it acts; it is told which. */
function disturb(what: string): void {
  const [act, index] = what.trim().split(' ')
  // Threads are numbered as they start; which of them is meant matters little, as long as it is not all of them.
  if (index !== 'all' && threadId % 2 !== Number(index ?? 0) % 2) return
  if (act === 'exit') process.exit(1)
  if (act === 'throw') throw new Error('disturbed')
  if (act === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
