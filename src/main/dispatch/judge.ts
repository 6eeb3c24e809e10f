/** From what an attempt came to, to what follows for the push, its device and its gateway. */
import type { Logger } from 'pino'
import { isServed } from '../../core/gateway/served-domain.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome, Outcome, RetryCause } from '../../core/outcome.ts'
import { decideRetry, type RetryLimits } from '../../core/retry.ts'
import { shorten } from '../../core/shorten.ts'
import type { Metrics } from '../metrics/table.ts'
import type { DeadBy, DeadDeviceStore } from '../store/dead-device-ports.ts'
import { Notices } from './notices.ts'
import type { DispatchOptions } from './options.ts'
import { undelivered } from './patience.ts'
import { Pauses } from './pauses.ts'
import type { PendingPush } from './pending-push.ts'
import { Refusals } from './refusals.ts'
import type { Route } from './route.ts'

export interface JudgePorts {
  readonly monotonicMs: () => number
  /** 0 ≤ r < 1. */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: Metrics
  readonly deadDevices: DeadDeviceStore
  /** After the device was handed to `deadDevices`. Must not throw. */
  onDeadDevice(notification: Notification, found: DeadDeviceFound): void
}

export interface DeadDeviceFound {
  readonly by: DeadBy
  /** The sink had been told another outcome before. */
  readonly late: boolean
}

/** What can become of a push. All but `settle` are only asked for one that is not settled. */
export interface Fates {
  /** It ended; nothing happens when it had ended before. */
  settle(push: PendingPush, outcome: Outcome): void
  /** Another attempt, this much later. */
  tryAgain(push: PendingPush, delayMs: number, nowMs: number): void
  /** Stores the push for another attempt, this much later; false: it cannot be stored, or is stored already. */
  keep(push: PendingPush, delayMs: number): boolean
  /** Another attempt at once. */
  sendAgain(push: PendingPush, nowMs: number): void
  /** No further attempt can succeed in time; another one would be due `delayMs` from now. */
  giveUp(push: PendingPush, reason: string, delayMs: number): void
  /** Milliseconds until nobody wants it any more. */
  remainingMs(push: PendingPush, nowMs: number): number
}

/** The same fault that nobody knows, so often in a row, ends a notification. */
const maxUnknown = 5

/**
 * - `sent`: it went out
 * - `unsent`: it did not: what it came to was certain before, and says nothing of the gateway
 * - `sent-again`: it went out, and is to go again at once: what was wrong with it is mended
 */
export type AttemptManner = 'sent' | 'unsent' | 'sent-again'

/** What makes another attempt of an acknowledged push. */
type Again = Omit<Extract<AttemptOutcome, { kind: 'retry' }>, 'kind' | 'cause'> & {
  readonly cause: RetryCause | 'operator_fault'
}
const operatorFault = { cause: 'operator_fault', retryAfterMs: undefined, known: true } as const

export class Judge {
  readonly #fates: Fates
  readonly #retry: RetryLimits
  readonly #ports: JudgePorts
  readonly #refusals: Refusals
  readonly #pauses: Pauses
  readonly #notices = new Notices()

  constructor(
    fates: Fates,
    options: Pick<DispatchOptions, 'retry' | 'suspectLimit' | 'suspectShare' | 'pools'>,
    ports: JudgePorts,
  ) {
    this.#fates = fates
    this.#retry = options.retry
    this.#ports = ports
    this.#refusals = new Refusals(options, ports)
    this.#pauses = new Pauses(ports.log, ports.metrics)
  }

  /** A settled push is judged too: what its answer says of the device and the gateway is still true. */
  judge(
    push: PendingPush,
    route: Route,
    outcome: AttemptOutcome,
    nowMs: number,
    manner: AttemptManner = 'sent',
  ): void {
    if (manner !== 'unsent') this.#informCircuit(push, route, outcome, nowMs)
    if (manner === 'sent-again' && !push.settled) {
      this.#sendAgain(push, outcome, nowMs)
      return
    }
    if (push.once) {
      this.#passOn(push, route, outcome, nowMs)
      return
    }
    switch (outcome.kind) {
      case 'delivered':
        this.#refusals.delivered(push, route, nowMs)
        route.accepted()
        this.#fates.settle(push, outcome)
        return
      case 'dead_device':
        this.#refusals.gone(push, route, nowMs)
        this.#bury(push, outcome.reason, 'provider', nowMs)
        return
      case 'suspect':
        this.#suspect(push, route, outcome.reason, nowMs)
        return
      case 'too_large':
        if (!push.settled) this.#shorten(push, outcome.reason, nowMs)
        return
      case 'invalid':
        this.#fates.settle(push, outcome)
        return
      case 'operator_fault':
        this.#blameOperator(route, outcome.reason, nowMs)
        this.#faultOfOperator(push, route, outcome.reason, nowMs)
        return
      case 'retry':
        if (!push.settled) this.#tryAgain(push, route, outcome, nowMs)
        return
    }
    outcome satisfies never
  }

  #informCircuit(push: PendingPush, route: Route, outcome: AttemptOutcome, nowMs: number): void {
    const { probe } = push
    push.probe = false
    const { log } = this.#ports
    if (route.provider >= 0) this.#pauses.answered(push, route, outcome, nowMs)
    else if (outcome.kind === 'retry' && outcome.retryAfterMs !== undefined) {
      route.askedToPause(push.deviceKey, outcome.retryAfterMs, nowMs)
    }
    if (outcome.kind !== 'retry' || outcome.cause === 'throttled' || outcome.cause === 'token_expired') {
      if (route.circuit.succeeded(probe, nowMs)) log.info({ pool: route.pool }, 'the gateway is in use again')
      return
    }
    const { cause, reason } = outcome
    if (cause === 'worker_lost') {
      if (probe) route.circuit.probeLost(nowMs)
      return
    }
    route.lastError = reason
    if (route.circuit.failed(push.deviceKey, probe, nowMs, cause === 'not_processed')) {
      log.error(
        { pool: route.pool, cause, reason },
        'the gateway fails for many devices: left out until it recovers',
      )
    }
  }

  /** For whoever asked for one attempt; nothing is remembered of the device. */
  #passOn(push: PendingPush, route: Route, outcome: AttemptOutcome, nowMs: number): void {
    if (outcome.kind === 'delivered') route.accepted()
    else if (outcome.kind === 'operator_fault') this.#blameOperator(route, outcome.reason, nowMs)
    if (route.provider >= 0 && this.#refusals.counted(push, route, outcome, nowMs).kind !== outcome.kind) {
      this.#raiseAlarm(push, route, 'reason' in outcome ? outcome.reason : '', nowMs)
    }
    if (push.settled) return
    push.answer = outcome
    if (outcome.kind === 'too_large') this.#shorten(push, outcome.reason, nowMs)
    else this.#fates.settle(push, outcome.kind === 'retry' ? undelivered('timeout', outcome.reason) : outcome)
  }

  #sendAgain(push: PendingPush, outcome: AttemptOutcome, nowMs: number): void {
    if (outcome.kind === 'retry') push.retryCause = outcome.cause
    this.#fates.sendAgain(push, nowMs)
  }

  #suspect(push: PendingPush, route: Route, reason: string, nowMs: number): void {
    const verdict = this.#refusals.refused(push, route, nowMs)
    switch (verdict) {
      case 'dead':
        this.#bury(push, reason, 'suspect_limit', nowMs)
        return
      case 'misconfigured':
        this.#raiseAlarm(push, route, reason, nowMs)
        this.#faultOfOperator(push, route, reason, nowMs)
        return
      case 'spared':
        this.#raiseAlarm(push, route, reason, nowMs)
        break
      case 'suspect':
        break
    }
    this.#fates.settle(push, { kind: 'suspect', reason })
  }

  #raiseAlarm({ queue: { service } }: PendingPush, route: Route, reason: string, nowMs: number): void {
    // Behind MongoosePush the service is what is known of the pool.
    const named = route.provider >= 0 ? { service, pool: route.pool } : { service }
    if (!this.#notices.due(`suspects ${route.provider >= 0 ? route.pool : service}`, nowMs)) return
    this.#ports.log.error(
      { ...named, reason },
      'so many devices are refused that the configuration must be wrong: none is taken for dead',
    )
  }

  #bury(push: PendingPush, reason: string, by: DeadDeviceFound['by'], nowMs: number): void {
    const { notification } = push
    if (isServed(notification)) {
      this.#fates.settle(push, { kind: 'dead_device', reason })
      return
    }
    const late = push.sink === undefined
    const { deadDevices, log } = this.#ports
    const { device, domain, node } = notification
    deadDevices.add(device, domain, node, by).catch((error: unknown) => {
      if (this.#notices.due('dead device not stored', nowMs)) {
        log.error({ err: error }, 'a dead device could not be stored: it will be met again')
      }
    })
    this.#ports.onDeadDevice(notification, { by, late })
    this.#fates.settle(push, { kind: 'dead_device', reason })
  }

  #blameOperator(route: Route, reason: string, nowMs: number): void {
    if (!this.#notices.due(`${route.pool} ${reason}`, nowMs)) return
    this.#ports.log.error(
      { pool: route.pool, reason },
      'the gateway refuses notifications: its configuration, or that of this daemon, is wrong',
    )
  }

  /** What was acknowledged outlives the operator's mistakes. */
  #faultOfOperator(push: PendingPush, route: Route, reason: string, nowMs: number): void {
    if (push.acknowledged) this.#tryAgain(push, route, { ...operatorFault, reason }, nowMs)
    else this.#fates.settle(push, { kind: 'operator_fault', reason })
  }

  /** Once: what is refused again for its size is not for this gateway. */
  #shorten(push: PendingPush, reason: string, nowMs: number): void {
    const shorter = push.shortened ? undefined : shorten(push.notification)
    if (shorter === undefined) {
      this.#fates.settle(push, { kind: 'invalid', reason })
      return
    }
    this.#ports.metrics.notificationsShortened.child(push.queue.service).add(1)
    push.shortened = true
    push.notification = shorter
    push.retryCause = ''
    this.#fates.sendAgain(push, nowMs)
  }

  #tryAgain(push: PendingPush, route: Route, failure: Again, nowMs: number): void {
    const { cause, reason, retryAfterMs, known } = failure
    // A push that never went out cannot go out again.
    push.retryCause = push.attempts > 0 ? cause : ''
    push.lastReason = reason
    push.unknownCount = known ? 0 : push.unknownReason === reason ? push.unknownCount + 1 : 1
    push.unknownReason = known ? '' : reason
    if (push.unknownCount >= maxUnknown) {
      this.#fates.settle(push, { kind: 'invalid', reason })
      return
    }
    const remainingMs = this.#fates.remainingMs(push, nowMs)
    // A gateway that is left out makes it wait long enough: with what waits here it is probed, and this is what it
    // gets first when it is back.
    const jitter = route.circuit.state === 'closed' ? this.#ports.random() : 0
    const decision = decideRetry(push.attempts, retryAfterMs, remainingMs, this.#retry, jitter)
    if (decision.action === 'retry') {
      // Its device is paused. Few pushes are stored for a device, however many it is sent.
      if (isOfOneDevice(route, failure) && this.#fates.keep(push, decision.delayMs)) return
      this.#fates.tryAgain(push, decision.delayMs, nowMs)
    } else this.#fates.giveUp(push, reason, decision.delayMs)
  }
}

/** Whether the provider throttles only the device, as far as it says. */
function isOfOneDevice({ provider }: Route, { cause, quota, retryAfterMs }: Again): boolean {
  return provider >= 0 && cause === 'throttled' && quota !== 'project' && retryAfterMs !== undefined
}
