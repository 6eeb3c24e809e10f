import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { Piscina } from 'piscina'

/** The one file that is a worker: TypeScript beside this source, JavaScript beside its build. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../worker/entry.ts' : '../../worker/entry.js',
  import.meta.url,
)
/** A third of what V8's young generation may take. */
const workerSemiSpaceMb = 4

/** Starts so many threads, which load their modules and then wait for a session. */
export function startThreads(count: number): Piscina {
  // Of the threads that are started from now on, not of this one. Little is alive in a worker at any time: to look often
  // costs nothing, and garbage has less room. (`resourceLimits` would do, but gives way to NODE_OPTIONS.)
  setFlagsFromString(`--max-semi-space-size=${workerSemiSpaceMb}`)
  return new Piscina({
    filename: workerFile.href,
    minThreads: count,
    maxThreads: count,
    // Nothing on the main thread waits for a task: sessions speak over ports of their own.
    atomics: 'disabled',
    recordTiming: false,
  })
}

/** Resolves when these threads, just started, have loaded their modules; rejects when one cannot. */
export async function threadsLoaded({ threads }: Piscina): Promise<void> {
  // The first message of a thread says so; what it is given to do has ports of its own.
  await Promise.all(threads.map((thread) => once(thread, 'message')))
}
