import type { Daemon } from '../daemon.ts'
import { firstParts } from '../first-parts.ts'
import { discard, prepare } from '../prepare.ts'
import { attempted, type StartPorts, startInPlace } from '../start-daemon.ts'
import { version } from '../version.ts'
import { endpointsOf } from './endpoints.ts'
import { handoverFormat, replaceMs } from './message.ts'
import type { Predecessor } from './predecessor.ts'

/**
 * The way of a planned restart, in the new process: starts the daemon when the old one has made way, and goes on with its
 * streams. Rejects with an AbandonedError when that one has not, and with what `startInPlace` rejects with.
 */
export async function takeOver(
  predecessor: Predecessor,
  { config, log, restarts, phases }: StartPorts,
): Promise<Daemon> {
  // What a start loads after its streams: here they would wait for it.
  await Promise.all([import('../daemon.ts'), import('../http/server.ts')])
  const parts = firstParts(config, log, phases)
  const prepared = await prepare(config, true)
  await predecessor.say({ kind: 'ready', format: handoverFormat, version, endpoints: endpointsOf(config) })
  const listeners = await makeWay().catch(async (error: unknown) => {
    await Promise.all([discard(prepared), ...[...parts.domains.values()].map((domain) => domain.close())])
    throw error
  })
  const streams = async () => {
    await predecessor.say({ kind: 'open' })
    return predecessor.streams()
  }
  const daemon = await startInPlace(parts, prepared, restarts, { listeners, streams })
  await predecessor.say({ kind: 'took' })
  predecessor.release()
  return daemon

  /** Streams that cannot be handed over are opened here while the old ones are still there: what they bring waits. */
  async function makeWay() {
    const replaced = await predecessor.replaced()
    const domains = [...parts.domains].filter(([name]) => replaced.includes(name))
    for (const [, domain] of domains) domain.start()
    await attempted(
      domains.map(([, domain]) => domain),
      replaceMs,
      phases,
    )
    const up = domains.filter(([, { streamsUp }]) => streamsUp > 0).map(([name]) => name)
    await predecessor.say({ kind: 'replaced', domains: up })
    return predecessor.listeners()
  }
}
