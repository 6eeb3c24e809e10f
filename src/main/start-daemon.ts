import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { Daemon, HandedOver } from './daemon.ts'
import { type FirstParts, firstParts } from './first-parts.ts'
import type { Restarts } from './handover/restarts.ts'
import { discard, type Prepared, prepare } from './prepare.ts'
import type { StartPhases } from './start-phases.ts'
import { type DataDirectory, takeDataDirectory } from './store/data-directory.ts'
import type { ComponentDomain } from './xmpp/component-domain.ts'

/** What a daemon starts with. */
export interface StartPorts {
  readonly config: Config
  readonly log: Logger
  readonly restarts: Restarts
  readonly phases: StartPhases
}

/** The modules of the daemon load in one go, in which no stream comes further. A server on this machine answers sooner. */
const firstAttemptsMs = 100

/**
 * Starts from nothing, streams first: while they are away XMPP servers drop their users' registrations. All else is loaded and
 * opened when they are up, or have failed once; what they bring until then waits.
 * @throws StoreError, PluginLoadError, and whatever keeps the HTTP listener or the workers from starting.
 */
export async function startDaemon({ config, log, restarts, phases }: StartPorts): Promise<Daemon> {
  const parts = firstParts(config, log, phases)
  const { domains } = parts
  // Before any stream: two daemons of one directory must not take each other's.
  const directory = await takeDataDirectory(config.data_dir)
  for (const domain of domains.values()) domain.start()
  phases.ended('connecting')
  const preparing = prepare(config, false)
  try {
    const loading = attempted(domains.values(), firstAttemptsMs, phases).then(() => import('./daemon.ts'))
    const [prepared, { Daemon }] = await Promise.all([preparing, loading])
    return await Daemon.start(parts, directory, prepared, restarts)
  } catch (error) {
    // Each of them bears to be ended twice.
    directory.lock.release()
    await Promise.all([...domains.values()].map((domain) => domain.close()))
    await preparing.then(discard, () => undefined)
    throw error
  }
}

/**
 * Starts what is prepared in the place of an earlier daemon, which has made way.
 * @throws StoreError, and whatever keeps the HTTP listener or the workers from starting.
 */
export async function startInPlace(
  parts: FirstParts,
  prepared: Prepared,
  restarts: Restarts,
  handedOver: HandedOver,
): Promise<Daemon> {
  let directory: DataDirectory
  try {
    directory = await takeDataDirectory(parts.config.data_dir)
  } catch (error) {
    await Promise.all([discard(prepared), ...[...parts.domains.values()].map((domain) => domain.close())])
    throw error
  }
  const { Daemon } = await import('./daemon.ts')
  return Daemon.start(parts, directory, prepared, restarts, handedOver)
}

/** Resolves when each stream is up or has failed once, and after `withinMs` at the latest. */
export async function attempted(
  domains: Iterable<ComponentDomain>,
  withinMs: number,
  phases: StartPhases,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  const attempts = Promise.all([...domains].map(({ firstAttempts }) => firstAttempts))
  await Promise.race([late, attempts.then(() => phases.ended('streams'))])
  clearTimeout(timer)
}
