import type { Logger } from 'pino'
import type { LossCause } from '../metrics/table.ts'
import type { ReconnectPlan } from './reconnect-policy.ts'
import type { StreamLoss } from './stream-loss.ts'

/** The log lines about the streams of a domain. */
export class StreamLog {
  readonly #log: Logger
  /** What the log was told since the last stream came up, by cause: it is told once. */
  readonly #told = new Map<LossCause, string>()

  constructor(log: Logger) {
    this.#log = log
  }

  up(stream: number, how: 'connected' | 'taken over'): void {
    this.#told.clear()
    this.#log.info({ stream }, how)
  }

  /** A stream that was up is news each time; attempts that fail for the same cause are so once. */
  lost(stream: number, loss: StreamLoss, wasUp: boolean, plan: ReconnectPlan | undefined): void {
    const retryInMs = plan?.delayMs === undefined ? undefined : Math.round(plan.delayMs)
    const fields = { stream, reason: loss.text, retryInMs }
    const known = this.#told.get(loss.cause)
    const repeated = loss.cause === 'refused' ? known !== undefined : known === loss.text
    this.#told.set(loss.cause, loss.text)

    if (plan?.state === 'standby') this.#log[repeated ? 'debug' : 'info'](fields, 'standby')
    else if (wasUp) this.#log.warn(fields, 'stream lost')
    else if (loss.cause === 'refused') this.#log[repeated ? 'debug' : 'error'](fields, 'stream refused')
    else this.#log[repeated ? 'debug' : 'warn'](fields, 'no stream')
  }
}
