import type { KeyObject } from 'node:crypto'
import type { Agent } from 'undici'
import { type AccessTokenAnswer, renewalDelayMs } from '../../core/fcm/access-token.ts'
import type { ServiceAccount } from '../../core/fcm/service-account.ts'
import { decideRetry } from '../../core/retry.ts'
import type { TokenEvents, TokenPorts } from './ports.ts'

/** After a failure; where the account itself was refused, from `refusedBaseMs` on. */
const retryLimits = { baseMs: 1_000, capMs: 60_000, maxAttempts: 0 }
const refusedLimits = { baseMs: 30_000, capMs: 600_000, maxAttempts: 0 }
/** No timer runs for longer, whatever lifetime a token is said to have. */
const maxTimerMs = 86_400_000
/** A token that was given this shortly before is not asked for again because somebody refused it. */
const youngMs = 60_000

/**
 * The access token of one FCM account: one for all workers, renewed ahead of its end, one request for it under way at a
 * time. While it cannot be renewed the old one stays in use until its end; then there is none (`TokenEvents`).
 */
export class AccessTokens {
  readonly #account: ServiceAccount
  readonly #privateKey: KeyObject
  readonly #events: TokenEvents
  readonly #ports: TokenPorts
  readonly #ca: string | undefined
  /** Undefined until the first token is asked for. */
  #agent: Agent | undefined
  readonly #stopped = new AbortController()
  #header: string | undefined
  #givenAtMs = 0
  #failures = 0
  #fault: string | undefined
  #asking = false
  #renewTimer: NodeJS.Timeout | undefined
  #endTimer: NodeJS.Timeout | undefined

  /** `privateKey`: see `readSigningKey`. `ca`: PEM of authorities trusted besides the system's. */
  constructor(
    account: ServiceAccount,
    privateKey: KeyObject,
    ca: string | undefined,
    events: TokenEvents,
    ports: TokenPorts,
  ) {
    this.#account = account
    this.#privateKey = privateKey
    this.#events = events
    this.#ports = ports
    this.#ca = ca
  }

  /** Why there is no (new) token; undefined: there is one. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Asks for the first token; returns at once. */
  start(): void {
    void this.#renew()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#renewTimer)
    clearTimeout(this.#endTimer)
    await this.#agent?.destroy()
  }

  /** FCM no longer takes a token. `header`: the one that was refused; one that is no longer in use does not count. */
  refused(header: string): void {
    if (header !== this.#header || this.#ports.nowMs() - this.#givenAtMs < youngMs) return
    void this.#renew()
  }

  async #renew(): Promise<void> {
    if (this.#asking || this.#stopped.signal.aborted) return
    this.#asking = true
    clearTimeout(this.#renewTimer)
    const answer = await this.#ask()
    this.#asking = false
    if (this.#stopped.signal.aborted) return
    if (answer.kind === 'token') this.#take(answer.token, answer.lifetimeS)
    else this.#failed(answer)
  }

  #take(token: string, lifetimeS: number): void {
    if (this.#fault !== undefined) this.#ports.log.info(this.#named, 'FCM access tokens are given again')
    this.#fault = undefined
    this.#failures = 0
    this.#givenAtMs = this.#ports.nowMs()
    this.#header = `Bearer ${token}`
    this.#renewTimer = this.#later(renewalDelayMs(lifetimeS, this.#ports.random()), () => void this.#renew())
    clearTimeout(this.#endTimer)
    this.#endTimer = this.#later(lifetimeS * 1000, () => this.#expire())
    this.#events.authorized({ header: this.#header, owner: this.#account.clientEmail })
  }

  #failed({ reason, again, retryAfterMs }: Extract<AccessTokenAnswer, { kind: 'refused' }>): void {
    this.#fault = reason
    this.#failures++
    const limits = again ? retryLimits : refusedLimits
    const floorMs = Math.max(retryAfterMs ?? 0, limits.baseMs / 2)
    const forEver = Number.POSITIVE_INFINITY
    const { delayMs } = decideRetry(this.#failures, floorMs, forEver, limits, this.#ports.random())
    const fields = { ...this.#named, reason, failures: this.#failures, againInS: Math.ceil(delayMs / 1000) }
    if (again) this.#ports.log.warn(fields, 'no FCM access token')
    else
      this.#ports.log.error(fields, 'the FCM account is refused: its key, its rights or this clock is wrong')
    this.#renewTimer = this.#later(delayMs, () => void this.#renew())
  }

  #expire(): void {
    this.#header = undefined
    this.#events.authorized(undefined)
  }

  async #ask(): Promise<AccessTokenAnswer> {
    // Loaded where it is wanted: undici takes a while, and a start without FCM accounts does not need it on this thread.
    const { askAccessToken, tokenAgent } = await import('./ask-access-token.ts')
    this.#agent ??= tokenAgent(this.#ca)
    return askAccessToken(
      this.#account,
      this.#privateKey,
      this.#agent,
      this.#ports.nowMs(),
      this.#stopped.signal,
    )
  }

  #later(delayMs: number, action: () => void): NodeJS.Timeout {
    return setTimeout(action, Math.min(delayMs, maxTimerMs))
  }

  get #named(): object {
    return { account: this.#account.clientEmail }
  }
}
