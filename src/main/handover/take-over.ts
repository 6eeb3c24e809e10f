import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { Daemon, type Prepared } from '../daemon.ts'
import { version } from '../version.ts'
import { endpointsOf } from './endpoints.ts'
import { handoverFormat } from './message.ts'
import type { Predecessor } from './predecessor.ts'
import type { Restarts } from './restarts.ts'

/**
 * The way of a planned restart, in the new process: starts the daemon when the old one has made way, and goes on with its
 * streams. Rejects with an AbandonedError when that one has not, and with what `Daemon.start` rejects with.
 */
export async function takeOver(
  predecessor: Predecessor,
  config: Config,
  log: Logger,
  restarts: Restarts,
): Promise<Daemon> {
  const prepared = await Daemon.prepare(config, true)
  await predecessor.say({ kind: 'ready', format: handoverFormat, version, endpoints: endpointsOf(config) })
  const listeners = await listenersOf(predecessor, prepared)
  const streams = async () => {
    await predecessor.say({ kind: 'open' })
    return predecessor.streams()
  }
  const daemon = await Daemon.start(config, log, restarts, { listeners, streams }, prepared)
  await predecessor.say({ kind: 'took' })
  predecessor.release()
  return daemon
}

async function listenersOf(predecessor: Predecessor, { plugin, threads }: Prepared) {
  try {
    return await predecessor.listeners()
  } catch (error) {
    await Promise.all([plugin.stop(), threads.destroy()])
    throw error
  }
}
