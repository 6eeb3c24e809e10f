import type { Subscription } from '../../store/ports.ts'
import type { EventEnded, PushEnds, PushSafety } from './event-end.ts'
import type { IncomingEvent } from './event-intake.ts'
import type { SeenEvent } from './seen-events.ts'

/** An event that leads to pushes, until the last of them has ended. It keeps nothing of the message: that may be long. */
export class EventUnderWay implements PushEnds {
  readonly source: IncomingEvent['source']
  readonly domain: string
  /** Undefined: it cannot be known again. */
  readonly seen: SeenEvent | undefined
  readonly ended: EventEnded
  /** Its pushes. */
  notified = 0
  /** Of its pushes together: the first that is not safe says why. */
  safety: PushSafety = 'safe'
  readonly #session: string | undefined
  readonly #pushesEnded: (event: EventUnderWay) => void
  #open = 0

  constructor(
    { source, domain, message }: IncomingEvent,
    seen: SeenEvent | undefined,
    ended: EventEnded,
    pushesEnded: (event: EventUnderWay) => void,
  ) {
    this.source = source
    this.domain = domain
    this.#session = message?.session
    this.seen = seen
    this.ended = ended
    this.#pushesEnded = pushesEnded
  }

  /** So many pushes are asked for; at least one. */
  begin(pushes: number): void {
    this.notified = pushes
    this.#open = pushes
  }

  pushEnded(subscription: Subscription, safety: PushSafety): void {
    if (safety !== 'safe') {
      this.seen?.reopen(this.#session, nameOf(subscription))
      if (this.safety === 'safe') this.safety = safety
    }
    if (--this.#open === 0) this.#pushesEnded(this)
  }
}

/** Of a user's subscriptions no two have the same. */
export function nameOf({ jid, node }: Subscription): string {
  return `${jid}\0${node}`
}
