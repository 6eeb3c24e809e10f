import { escapeXml } from '../../core/xml/escape.ts'

/**
 * Decides whether a stream that is up still works. Pure: the caller has the timer and the socket.
 *
 * A ping from the domain to itself loops back through the server. A server with several streams for the
 * domain may return it on any of them, and on a dead one it is lost. So a ping without an answer proves
 * nothing yet: a few are sent within one deadline, and bytes read from the stream itself put the end off,
 * but not for ever.
 *
 *   quiet ──interval──▶ asking (ping, ping, ping, ping) ──deadline──▶ dead
 *     ▲                    │
 *     └────── answered ────┘
 */

/** Pings within one deadline: with one stream of two dead, the chance to lose all is 1 in 16. */
export const pingsPerDeadline = 4
/** How many deadlines a stream may go on without an answer while bytes still come in. */
export const deadlinesWhileHeard = 4

export interface LivenessLimits {
  /** From an answer, or from the stream coming up, to the next ping. */
  readonly intervalMs: number
  /** From the first ping without an answer to the stream being dead. */
  readonly timeoutMs: number
}

export type LivenessStep =
  | { readonly action: 'wait' | 'ping'; readonly nextMs: number }
  | { readonly action: 'dead' }

export class Liveness {
  readonly #limits: LivenessLimits
  #asking = false
  /** Pings sent since the last answer. */
  #unanswered = 0
  /** The last of them in a row without a byte read after any. */
  #silent = 0

  constructor(limits: LivenessLimits) {
    this.#limits = limits
  }

  /** When to call `step` for the first time. */
  get firstMs(): number {
    return this.#limits.intervalMs
  }

  /** A ping was sent at once, before the first step. When to call `step` if there is no answer. */
  asked(): number {
    this.#asking = true
    this.#unanswered = 1
    this.#silent = 1
    return this.#limits.timeoutMs / pingsPerDeadline
  }

  /** Bytes were read. */
  heard(): void {
    this.#silent = 0
  }

  /** One of the pings, or its result, came back. */
  answered(): void {
    this.#asking = false
  }

  /** Nothing is read for a reason of our own: silence until now proves nothing. */
  excused(): void {
    this.#asking = false
  }

  /**
   * To be called when the last step's `nextMs` is over. `delayMs`: how much later than at once the oldest ping can come back, since
   * the server has not read it yet.
   */
  step(delayMs = 0): LivenessStep {
    if (this.#asking) {
      const more = Math.ceil((delayMs * pingsPerDeadline) / this.#limits.timeoutMs)
      const lost = this.#silent >= pingsPerDeadline + more
      if (lost || this.#unanswered >= pingsPerDeadline * deadlinesWhileHeard + more) return { action: 'dead' }
    } else if (this.#unanswered > 0) {
      this.#unanswered = 0
      return { action: 'wait', nextMs: this.#limits.intervalMs }
    }
    if (!this.#asking) this.#silent = 0
    this.#asking = true
    this.#unanswered++
    this.#silent++
    return { action: 'ping', nextMs: this.#limits.timeoutMs / pingsPerDeadline }
  }
}

/** From the domain to itself (XEP-0199): the server's own answer, or its return, shows that it lives. `id`: plain. */
export function pingIq(id: string, domain: string): string {
  const address = escapeXml(domain)
  return `<iq type='get' id='${id}' from='${address}' to='${address}'><ping xmlns='urn:xmpp:ping'/></iq>`
}
