/**
 * The worker threads, each with one session. Piscina keeps the threads: a session is one task that lasts as long as
 * its thread. When the task ends by itself, or the worker gives no sign of life, what was in flight there is given
 * back (`SessionEvents.lost`), the thread is replaced and a new session opened in its place.
 */
import { MessageChannel } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Piscina } from 'piscina'
import type { Authorization, ProviderTls } from '../../core/gateway/provider-target.ts'
import type { GatewayTarget, ProviderPoolTarget } from '../../core/worker-protocol.ts'
import type { Metrics } from '../metrics/table.ts'
import type { DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import { windowFor } from './windows.ts'
import { type AnswerReader, WorkerSession } from './worker-session.ts'
import { startThreads } from './worker-threads.ts'

/** Loading its modules is slow on a busy machine: only after this does a worker that never lived count as hanging. */
const startUpMs = 30_000
const checkMs = 1_000
/** Between a session's end and the next one in its place: at once the first time, then slower. */
const reopenBaseMs = 100
const reopenCapMs = 5_000
/** A session that lasted this long was no failed start. */
const lastedMs = 10_000

export interface SessionEvents extends AnswerReader {
  /** These were in flight in a worker that is gone: perhaps sent, perhaps not. */
  lost(pushes: readonly PendingPush[], reason: string): void
}

export interface SessionPorts {
  readonly log: Logger
  readonly metrics: Metrics
  readonly monotonicMs: () => number
  /** As many as there are workers, where they were started before; they end with the sessions. */
  readonly threads?: Piscina | undefined
}

interface Slot {
  readonly index: number
  readonly target: GatewayTarget
  readonly windows: readonly number[]
  session: WorkerSession | undefined
  openedAtMs: number
  failedStarts: number
  /** Ends the running task, and its thread with it. */
  kill: AbortController
  /** Settles when the running task has ended. */
  ended: Promise<void>
  reopenTimer: NodeJS.Timeout | undefined
}

export class WorkerSessions {
  readonly #events: SessionEvents
  readonly #ports: SessionPorts
  readonly #hangMs: number
  readonly #pool: Piscina
  readonly #slots: Slot[]
  /** As they are by now; a worker that starts later begins with them. */
  readonly #providers: ProviderPoolTarget[]
  readonly #authorizations: (Authorization | undefined)[]
  #checkTimer: NodeJS.Timeout | undefined
  #lastCheckMs = 0
  #closing = false
  #started: { resolve: () => void; reject: (error: unknown) => void } | undefined

  /** `shares`: connections by worker, then by origin. */
  constructor(
    options: DispatchOptions,
    origins: readonly string[],
    shares: readonly (readonly number[])[],
    events: SessionEvents,
    ports: SessionPorts,
  ) {
    this.#events = events
    this.#ports = ports
    this.#hangMs = options.workerHangMs
    this.#providers = options.pools.map(({ service, target }) => ({ service, target }))
    this.#authorizations = options.pools.map(() => undefined)
    this.#slots = shares.map((connections, index) => ({
      index,
      target: {
        origins,
        connections,
        requestTimeoutMs: options.requestTimeoutMs,
        connectTimeoutMs: options.requestTimeoutMs,
        ca: options.tls.ca,
        verifyTls: options.tls.verify,
      },
      windows: connections.map(windowFor),
      session: undefined,
      openedAtMs: 0,
      failedStarts: 0,
      kill: new AbortController(),
      ended: Promise.resolve(),
      reopenTimer: undefined,
    }))
    this.#pool = ports.threads ?? startThreads(shares.length)
    this.#pool.on('error', (error) => this.#ports.log.error({ err: error }, 'a worker thread failed'))
    for (const slot of this.#slots) {
      const worker = String(slot.index)
      ports.metrics.workerUtilization.read(() => slot.session?.utilization ?? 0, worker)
      ports.metrics.workerQueue.read(() => slot.session?.inflight.size ?? 0, worker)
    }
  }

  get sessions(): readonly (WorkerSession | undefined)[] {
    return this.#slots.map((slot) => slot.session)
  }

  /** The threads that run the sessions, for who wants to watch or end them. */
  get threads(): Piscina['threads'] {
    return this.#pool.threads
  }

  /** Resolves when every worker is up; rejects when one cannot start. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#started = { resolve, reject }
    this.#lastCheckMs = this.#ports.monotonicMs()
    this.#checkTimer = setInterval(() => this.#check(), checkMs)
    for (const slot of this.#slots) this.#open(slot)
    await promise
    this.#started = undefined
  }

  /** The worker with the most room at this origin, of those that take work; undefined when none has any. */
  roomiest(origin: number, nowMs: number): WorkerSession | undefined {
    let best: WorkerSession | undefined
    let bestRoom = 0
    for (const { session } of this.#slots) {
      if (session === undefined || !session.takesWork(nowMs)) continue
      const room = session.room(origin)
      if (room > bestRoom) {
        best = session
        bestRoom = room
      }
    }
    return best
  }

  /** What is sent to this pool bears that from now on. */
  authorize(pool: number, authorization: Authorization | undefined): void {
    this.#authorizations[pool] = authorization
    for (const { session } of this.#slots) session?.say({ kind: 'authorize', pool, authorization })
  }

  /** New connections to this pool show that, and no further request goes over the old ones. */
  renewTls(pool: number, tls: ProviderTls): void {
    const known = this.#providers[pool]
    if (known === undefined) return
    this.#providers[pool] = { ...known, target: { ...known.target, tls } }
    for (const { session } of this.#slots) session?.say({ kind: 'renew_tls', pool, tls })
  }

  /** How many requests all workers that take work may hold there at present. */
  window(origin: number, nowMs: number): number {
    let window = 0
    for (const { session } of this.#slots) if (session?.takesWork(nowMs)) window += session.window(origin)
    return window
  }

  /** Sends the batches begun. */
  flush(): void {
    for (const { session } of this.#slots) session?.flush()
  }

  openConnections(origin: number): number {
    let open = 0
    for (const { session } of this.#slots) open += session?.openConnections[origin] ?? 0
    return open
  }

  /** Lets the workers answer what they hold, for `graceMs` at most, then ends the threads. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    clearInterval(this.#checkTimer)
    for (const slot of this.#slots) {
      clearTimeout(slot.reopenTimer)
      slot.session?.say({ kind: 'close' })
    }
    const { promise: graceOver, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs)
    await Promise.race([Promise.all(this.#slots.map((slot) => slot.ended)), graceOver])
    clearTimeout(timer)
    for (const slot of this.#slots) slot.session?.end()
    await this.#pool.destroy()
  }

  #open(slot: Slot): void {
    const { port1, port2 } = new MessageChannel()
    const session = new WorkerSession(
      slot.index,
      slot.windows,
      this.#providers.map(({ target }) => target.connections),
      port1,
      {
        read: (from, plain, other) => this.#events.read(from, plain, other),
        readJudged: (from, judged) => this.#events.readJudged(from, judged),
        ready: () => this.#ready(),
      },
      this.#ports.monotonicMs,
    )
    slot.session = session
    slot.openedAtMs = session.heardAtMs
    slot.kill = new AbortController()
    session.say({ kind: 'open', target: slot.target, pools: this.#providers })
    for (const [pool, authorization] of this.#authorizations.entries()) {
      if (authorization !== undefined) session.say({ kind: 'authorize', pool, authorization })
    }
    const task = this.#pool.run({ port: port2 }, { transferList: [port2], signal: slot.kill.signal })
    slot.ended = task.then(
      () => this.#ended(slot, session, new Error('the session ended by itself')),
      (error: unknown) => this.#ended(slot, session, error),
    )
  }

  #ready(): void {
    if (this.#slots.every((slot) => slot.session?.up === true)) this.#started?.resolve()
    this.#events.ready()
  }

  #ended(slot: Slot, session: WorkerSession, error: unknown): void {
    if (this.#closing) return
    const wasUp = session.up
    const lost = session.end()
    slot.session = undefined
    if (!wasUp && this.#started !== undefined) {
      this.#started.reject(error)
      return
    }
    const { log, metrics, monotonicMs } = this.#ports
    metrics.workerRestarts.child(String(slot.index)).add(1)
    log.error(
      { err: error, worker: slot.index, inflight: lost.length },
      'a worker thread is gone; what it held is tried again',
    )
    slot.failedStarts = monotonicMs() - slot.openedAtMs >= lastedMs ? 0 : slot.failedStarts + 1
    const delayMs =
      slot.failedStarts <= 1 ? 0 : Math.min(reopenCapMs, reopenBaseMs * 2 ** (slot.failedStarts - 2))
    slot.reopenTimer = setTimeout(() => this.#open(slot), delayMs)
    this.#events.lost(lost, error instanceof Error ? error.message : String(error))
  }

  #check(): void {
    const nowMs = this.#ports.monotonicMs()
    // When this thread itself stood still, beats lie unread: nobody is judged by that.
    const stoodStill = nowMs - this.#lastCheckMs > 2 * checkMs
    this.#lastCheckMs = nowMs
    if (stoodStill) return
    for (const slot of this.#slots) {
      const { session } = slot
      if (session === undefined) continue
      const silentMs = nowMs - session.heardAtMs
      if (silentMs <= (session.up ? this.#hangMs : Math.max(startUpMs, this.#hangMs))) continue
      this.#ports.log.error({ worker: slot.index, silentMs: Math.round(silentMs) }, 'a worker thread hangs')
      slot.kill.abort(new Error('the worker hung'))
    }
  }
}
