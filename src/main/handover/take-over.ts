import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { Daemon } from '../daemon.ts'
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
  await predecessor.say({ kind: 'ready', format: handoverFormat, version, endpoints: endpointsOf(config) })
  const listeners = await predecessor.listeners()
  const daemon = await Daemon.start(config, log, restarts, {
    listeners,
    streams: async () => {
      await predecessor.say({ kind: 'open' })
      return predecessor.streams()
    },
  })
  await predecessor.say({ kind: 'took' })
  predecessor.release()
  return daemon
}
