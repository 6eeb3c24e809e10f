/**
 * Loaded into a daemon before its own code (`--import`), in each of its threads: at SIGWINCH it does to one worker
 * thread what the file named by PUSHD_DISTURBANCE says. This is how a run has a thread die or hang, since no signal
 * reaches a thread alone.
 */
import { readFileSync } from 'node:fs'
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

const channel = new BroadcastChannel('disturb-workers')
if (isMainThread) {
  process.on('SIGWINCH', () => {
    const file = process.env.PUSHD_DISTURBANCE
    if (file !== undefined) channel.postMessage(readFileSync(file, 'utf8'))
  })
  channel.unref()
} else {
  channel.onmessage = (event) => disturb(String((event as { data: unknown }).data))
  channel.unref()
}

/** `what`: an act, then which of them: `all`, or every second one by thread number, 0 or 1. */
function disturb(what: string): void {
  const [act, which] = what.trim().split(' ')
  if (which !== 'all' && threadId % 2 !== Number(which)) return
  if (act === 'exit') process.exit(1)
  if (act === 'throw') throw new Error('disturbed')
  if (act === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
