/** The process around the daemon: configuration file, signals, exit code. */
import { setFlagsFromString } from 'node:v8'
import { fileNotes } from './config/file-notes.ts'
import { type LoadedConfig, loadConfigFile } from './config/load.ts'
import { changedKeys } from './config/reload.ts'
import { Daemon } from './daemon.ts'
import { exitCodes } from './exit-codes.ts'
import { createLog } from './log.ts'
import { PluginLoadError } from './roles/xmpp-server/plugin-thread.ts'
import { ServiceManager } from './service-manager.ts'
import { stopSignals } from './stop-signals.ts'
import { StoreError } from './store/store-error.ts'
import { ownUser } from './store/store-place.ts'
import { version } from './version.ts'

/** The stop itself is bounded by `drain_timeout_ms`; what still holds the process this much later is a bug. */
const lastResortMs = 5_000

/** System errors at the start that may be gone the next time. */
const passing = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'])

/**
 * What V8 has seen live long, as pushes do in a crowded start, it allocates among the old from then on, for good. There
 * they keep alive what they hold until all of the heap is collected: 100 MB of it.
 */
const youngUntilProvenOld = '--no-allocation-site-pretenuring'

/**
 * V8 lets a heap grow to as much as four times what was alive in it before it collects all of it; with this, to twice. With
 * publishes to 300,000 nodes in turn that is 53 MB less, for no more CPU than can be told from noise (Node 24, 2026-11).
 */
const toTwiceWhatIsAlive = '--heap-growing-percent=100'

/** Runs until one of `stopSignals`; resolves to the exit code. Faults of the start are on standard error. */
export async function runDaemon({ configFile }: { readonly configFile: string }): Promise<number> {
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    process.stderr.write(`${loaded.faults.join('\n')}\n`)
    return exitCodes.config
  }
  setFlagsFromString(youngUntilProvenOld)
  setFlagsFromString(toTwiceWhatIsAlive)
  const { config } = loaded
  const log = createLog(config.log)
  log.info({ version, node: process.version, pid: process.pid, config: configFile }, 'starting')
  for (const note of allNotes(loaded)) log.warn(note)

  const serviceManager = new ServiceManager({
    env: process.env,
    pid: process.pid,
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    log,
  })
  const stopAsked = Promise.withResolvers<NodeJS.Signals>()
  let daemon: Daemon | undefined
  let reloadAsked = false
  function reload(): void {
    if (daemon === undefined) reloadAsked = true
    else reloadConfig(daemon)
  }
  process.on('SIGHUP', reload)
  let stopping = false
  function stop(signal: NodeJS.Signals): void {
    // The second one, of either kind: nothing acknowledged is in memory alone, so there is nothing to lose.
    if (stopping) process.exit(exitCodes.ok)
    stopping = true
    stopAsked.resolve(signal)
  }
  for (const signal of stopSignals) process.on(signal, stop)

  function reloadConfig(running: Daemon): void {
    serviceManager.reloading()
    serviceManager.reloaded(takeOver(running))
  }

  /** What an operator still has to do about it, if anything. */
  function takeOver(running: Daemon): string | undefined {
    const next = loadConfigFile(configFile)
    if (next.kind === 'faulty') {
      running.metrics.configReloads.child('refused').add(1)
      log.error({ faults: next.faults }, 'the configuration is faulty: nothing was changed')
      return 'the configuration file is faulty and was not taken over'
    }
    const change = changedKeys(running.config, next.config)
    running.reconfigure(change)
    running.metrics.configReloads.child('applied').add(1)
    log.info({ applied: change.applied, needsRestart: change.needsRestart }, 'configuration reread')
    for (const note of allNotes(next)) log.warn(note)
    const waiting = change.needsRestart.join(', ')
    return waiting === '' ? undefined : `changed, and waiting for a restart: ${waiting}`
  }

  try {
    daemon = await Daemon.start(config, log)
  } catch (error) {
    log.error({ err: error }, 'cannot start')
    return startFailure(error)
  }
  const domains = config.component.map(({ domain }) => domain)
  log.info({ http: daemon.httpAddress, gateway: daemon.servedAddress, domains }, 'started')
  serviceManager.ready(daemon)
  if (reloadAsked) reloadConfig(daemon)

  const signal = await stopAsked.promise
  log.info({ signal, pending: daemon.pending }, 'stopping')
  const stopMs = daemon.config.drain_timeout_ms + lastResortMs
  serviceManager.stopping(stopMs)
  setTimeout(() => {
    log.error('the stop hangs: this is a bug')
    process.exit(exitCodes.software)
  }, stopMs).unref()
  await daemon.stop()
  process.off('SIGHUP', reload)
  serviceManager.close()
  log.info('stopped')
  return exitCodes.ok
}

/** The notes, as `check` prints them. */
function allNotes({ config, notes, files }: Extract<LoadedConfig, { kind: 'loaded' }>): string[] {
  return [...notes, ...fileNotes(files, config.data_dir, ownUser())]
}

function startFailure(error: unknown): number {
  if (error instanceof PluginLoadError) return exitCodes.config
  if (error instanceof StoreError) return error.transient ? exitCodes.tempFail : exitCodes.config
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (passing.has(code)) return exitCodes.tempFail
  return code === 'EACCES' || code === 'EPERM' || code === 'ENOENT' ? exitCodes.config : exitCodes.software
}
