import type { Daemon } from '../daemon.ts'
import { discard, prepare } from '../prepare.ts'
import { type StartPorts, startInPlace } from '../start-daemon.ts'
import { version } from '../version.ts'
import { endpointsOf } from './endpoints.ts'
import { handoverFormat } from './message.ts'
import type { Predecessor } from './predecessor.ts'

/**
 * The way of a planned restart, in the new process: starts the daemon when the old one has made way, and goes on with its
 * streams. Rejects with an AbandonedError when that one has not, and with what `startInPlace` rejects with.
 */
export async function takeOver(predecessor: Predecessor, start: StartPorts): Promise<Daemon> {
  // What a start loads after its streams: here they would wait for it.
  await Promise.all([import('../daemon.ts'), import('../http/server.ts')])
  const prepared = await prepare(start.config, true)
  await predecessor.say({
    kind: 'ready',
    format: handoverFormat,
    version,
    endpoints: endpointsOf(start.config),
  })
  const listeners = await predecessor.listeners().catch(async (error: unknown) => {
    await discard(prepared)
    throw error
  })
  const streams = async () => {
    await predecessor.say({ kind: 'open' })
    return predecessor.streams()
  }
  const daemon = await startInPlace(start, prepared, { listeners, streams })
  await predecessor.say({ kind: 'took' })
  predecessor.release()
  return daemon
}
