import type { Logger } from 'pino'
import { poolPauseLimits } from '../../core/gateway/pool-pause.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import type { Metrics } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import type { PendingPush } from './pending-push.ts'
import type { Route } from './route.ts'

/** The pause of a pool whose provider does not say how long it throttles. */
const usualPauseMs = 60_000

type Retry = Extract<AttemptOutcome, { kind: 'retry' }>

/**
 * Decides what pauses when a provider throttles: only the device, unless the provider names the project's quota or at least
 * half of the pool's answers are throttled. So a stranger who uses up the quota of a device delays only pushes to it.
 */
export class Pauses {
  readonly #log: Logger
  readonly #devicesForgotten: Tally

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log
    this.#devicesForgotten = metrics.limitsHit.child('paused_devices')
  }

  /** Handles a provider's answer to a push that went out. */
  answered(push: PendingPush, route: Route, outcome: AttemptOutcome, nowMs: number): void {
    const isProbe = push.pauseProbe
    push.pauseProbe = false
    if (outcome.kind === 'retry') {
      this.#refused(push, route, outcome, nowMs)
      return
    }
    const { pause, pausedDevices } = route
    pause.answered(false, nowMs)
    if (outcome.kind === 'delivered' && !pausedDevices.none) pausedDevices.delivered(push.deviceKey)
    if (!isProbe || pause.untilMs <= nowMs) return
    pause.end(nowMs)
    this.#log.info({ pool: route.pool }, 'the pool resumes: its provider accepts pushes again')
  }

  #refused(push: PendingPush, route: Route, outcome: Retry, nowMs: number): void {
    const { cause, reason, retryAfterMs, quota } = outcome
    if (cause !== 'throttled') {
      if (cause === 'server_error') route.pause.answered(false, nowMs)
      if (retryAfterMs !== undefined && route.askedToPause(push.deviceKey, retryAfterMs, nowMs)) {
        this.#tell(route, reason, nowMs)
      }
      return
    }
    const isOneTarget = quota === 'device' || quota === 'topic'
    const tooMany = route.pause.answered(!isOneTarget, nowMs)
    if (quota === 'project' || (tooMany && !isOneTarget)) {
      if (route.pause.begin(retryAfterMs ?? usualPauseMs, nowMs)) this.#tell(route, reason, nowMs)
    } else if (retryAfterMs !== undefined && !push.once) this.#pauseDevice(push, route, retryAfterMs, nowMs)
  }

  #pauseDevice(push: PendingPush, { pausedDevices }: Route, pauseMs: number, nowMs: number): void {
    const device = push.deviceKey
    // The first waiting push is kept, and the last one: each in between is superseded by the next.
    if (!pausedDevices.has(device)) push.notification = { ...push.notification, collapsible: false }
    const untilMs = nowMs + Math.min(pauseMs, poolPauseLimits.longestMs)
    if (pausedDevices.pause(device, untilMs, nowMs)) this.#devicesForgotten.add(1)
  }

  #tell({ pool, pausedUntilMs }: Route, reason: string, nowMs: number): void {
    const forS = Math.round((pausedUntilMs - nowMs) / 1000)
    this.#log.warn({ pool, reason, forS }, 'the pool is paused: its provider throttles pushes')
  }
}
