/** The process around the daemon: configuration file, signals, exit code. */
import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { fileNotes } from './config/file-notes.ts'
import { type LoadedConfig, loadConfigFile } from './config/load.ts'
import { changedKeys } from './config/reload.ts'
import type { Daemon, HandedOver } from './daemon.ts'
import { exitCodes } from './exit-codes.ts'
import { firstParts } from './first-parts.ts'
import { endpointsOf } from './handover/endpoints.ts'
import { handOver, reasonOf } from './handover/hand-over.ts'
import type { Predecessor } from './handover/predecessor.ts'
import { Restarts } from './handover/restarts.ts'
import type { Successor } from './handover/successor.ts'
import { successorCommand, successorEnvironment } from './handover/successor-command.ts'
import { takeOver } from './handover/take-over.ts'
import { createLog } from './log.ts'
import { prepare } from './prepare.ts'
import { PluginLoadError } from './roles/xmpp-server/plugin-thread.ts'
import { ServiceManager } from './service-manager.ts'
import { startDaemon, startInPlace } from './start-daemon.ts'
import { StartPhases } from './start-phases.ts'
import { stopSignals } from './stop-signals.ts'
import { StoreError } from './store/store-error.ts'
import { ownUser } from './store/store-place.ts'
import { version } from './version.ts'

/** The stop itself is bounded by `drain_timeout_ms`; what still holds the process this much later is a bug. */
const lastResortMs = 5_000

/**
 * Node.js writes compiled code into the cache when a process ends, which a process that is killed does not. So long after the
 * start most of the code has run once, and is in the cache for the next one.
 */
const keepCodeAfterMs = 5_000

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

export interface RunOptions {
  readonly configFile: string
  /** The daemon that started this process to take over from it; undefined: this one starts from nothing. */
  readonly predecessor: Predecessor | undefined
}

/** Runs until one of `stopSignals`, or until a successor has taken over; resolves to the exit code. Faults of the start are on standard error. */
export async function runDaemon({ configFile, predecessor }: RunOptions): Promise<number> {
  const loaded = loadConfigFile(configFile)
  if (loaded.kind === 'faulty') {
    process.stderr.write(`${loaded.faults.join('\n')}\n`)
    await predecessor?.say({
      kind: 'failed',
      reason: `its configuration is faulty: ${loaded.faults.join('; ')}`,
    })
    return exitCodes.config
  }
  setFlagsFromString(youngUntilProvenOld)
  setFlagsFromString(toTwiceWhatIsAlive)
  const { config } = loaded
  const phases = new StartPhases()
  phases.ended('configuration')
  const log = createLog(config.log)
  log.info({ version, node: process.version, pid: process.pid, config: configFile }, 'starting')
  for (const note of allNotes(loaded)) log.warn(note)

  const serviceManager = new ServiceManager({
    env: process.env,
    pid: process.pid,
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    log,
  })
  const restarts = new Restarts(configFile, process.pid)
  const start = { config, log, restarts, phases }
  const stopAsked = Promise.withResolvers<NodeJS.Signals>()
  let daemon: Daemon | undefined
  let isHandingOver = false
  let reloadAsked = false
  /** The process that is the daemon in place of this one. */
  let successorPid: number | undefined
  function reload(): void {
    if (successorPid !== undefined) process.kill(successorPid, 'SIGHUP')
    else if (daemon === undefined || isHandingOver) reloadAsked = true
    else reloadConfig(daemon)
  }
  process.on('SIGHUP', reload)
  let stopping = false
  function stop(signal: NodeJS.Signals): void {
    if (successorPid !== undefined) {
      process.kill(successorPid, signal)
      return
    }
    // The second one, of either kind: nothing acknowledged is in memory alone, so there is nothing to lose.
    if (stopping) process.exit(exitCodes.ok)
    stopping = true
    stopAsked.resolve(signal)
  }
  for (const signal of stopSignals) process.on(signal, stop)
  function restart(): void {
    if (restarts.refusal === undefined) restarts.ask('SIGUSR2')
    else log.error({ reason: restarts.refusal }, 'cannot hand over')
  }
  process.on('SIGUSR2', restart)

  function reloadConfig(running: Daemon): void {
    serviceManager.reloading()
    const remark = takeOverConfig(running)
    // The successor says so, or this process when there is none.
    if (!restarts.state().under_way) serviceManager.reloaded(remark)
  }

  /** What an operator still has to do about it, if anything. */
  function takeOverConfig(running: Daemon): string | undefined {
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
    if (change.needsRestart.length === 0) return undefined
    // Only systemd can be told that another process is the daemon: any other service manager would start one more.
    if (serviceManager.isThere && restarts.refusal === undefined) restarts.ask('SIGHUP')
    return waitingFor(change.needsRestart)
  }

  async function reopen(handedOver: HandedOver): Promise<Daemon> {
    const present = daemon?.config ?? config
    const prepared = await prepare(present, false)
    const running = await startInPlace(firstParts(present, log, phases), prepared, restarts, handedOver)
    serviceManager.ready(running)
    return running
  }

  try {
    daemon = predecessor === undefined ? await startDaemon(start) : await takeOver(predecessor, start)
  } catch (error) {
    log.error({ err: error }, 'cannot start')
    await predecessor?.say({ kind: 'failed', reason: reasonOf(error) })
    predecessor?.leave()
    return startFailure(error)
  }
  const domains = config.component.map(({ domain }) => domain)
  log.info(
    { http: daemon.httpAddress, gateway: daemon.servedAddress, domains, startMs: phases.ms },
    'started',
  )
  serviceManager.ready(daemon)
  setTimeout(flushCompileCache, keepCodeAfterMs).unref()
  if (reloadAsked) reloadConfig(daemon)

  for (;;) {
    const cause = await Promise.race([restarts.asked, stopAsked.promise.then(() => undefined)])
    if (cause === undefined) break
    log.info({ cause, pending: daemon.pending }, 'starting a successor')
    isHandingOver = true
    reloadAsked = false
    const end = await handOver(daemon, {
      command: successorCommand(configFile),
      env: successorEnvironment(),
      log,
      endpoints: endpointsOf(daemon.config),
      stopAsked: stopAsked.promise,
      retiring: () => serviceManager.handingOver(),
      reopen,
    })
    isHandingOver = false
    if (end.kind === 'taken') {
      await leave(end.successor)
      predecessor?.leave()
      return exitCodes.ok
    }
    restarts.failed(end.reason)
    if (end.kind === 'kept') {
      log.error(
        { reason: end.reason },
        'no successor is ready: the daemon keeps running, and nothing was changed',
      )
    } else {
      daemon = end.daemon
      log.error({ reason: end.reason }, 'the successor failed: the daemon was opened again, with its streams')
    }
    if (cause === 'SIGHUP') serviceManager.reloaded(`a successor could not take over: ${end.reason}`)
    if (reloadAsked) reloadConfig(daemon)
  }

  /** This process is no longer the daemon: what was asked of it meanwhile is the successor's. */
  async function leave(successor: Successor): Promise<void> {
    const pid = await successor.pid
    successorPid = pid
    if (reloadAsked) process.kill(pid, 'SIGHUP')
    if (stopping) process.kill(pid, 'SIGTERM')
    await serviceManager.handedOver(pid)
    log.info({ pid }, 'handed over')
    // systemd ends all that is left of the service with the process that it has asked to stop.
    if (stopping) await successor.over
    successor.release()
  }

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
  process.off('SIGUSR2', restart)
  serviceManager.close()
  log.info('stopped')
  predecessor?.leave()
  return exitCodes.ok
}

function waitingFor(keys: readonly string[]): string {
  return `changed, and waiting for a restart (xmpp-pushd restart): ${keys.join(', ')}`
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
