import { bareJid } from '../core/jid.ts'
import { type IqHeader, iqError } from '../core/stanza.ts'
import { stanzaErrors } from '../core/stanza-error.ts'
import type { Metrics } from './metrics/table.ts'
import type { StanzaSink } from './xmpp/ports.ts'

/** Lists of one sender that wait behind the one under way. */
const maxWaitingOfSender = 8
/** Of all senders: some kilobytes each at most. */
const maxWaiting = 1_000

export interface WaitingList {
  readonly request: IqHeader
  /** Makes the answer, a complete stanza. Must not throw. */
  readonly make: () => string
}

interface Waiting extends WaitingList {
  readonly answerTo: StanzaSink
}

/**
 * Lists are the only long answers to small requests. So a sender has one list under way, from its rendering until it is
 * written to the socket. A few further requests wait for that; the rest are refused.
 */
export class ListsUnderWay {
  readonly #metrics: Metrics
  /** By sender, a bare JID: those that wait. A sender without an entry has none under way. */
  readonly #waiting = new Map<string, Waiting[]>()
  #count = 0

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Answers now, or when the sender's other lists are written. */
  take(list: WaitingList, answerTo: StanzaSink): void {
    const { request } = list
    const sender = bareJid(request.from) ?? request.from
    const waiting = this.#waiting.get(sender)
    if (waiting === undefined) {
      this.#waiting.set(sender, [])
      this.#send(sender, { ...list, answerTo })
    } else if (waiting.length >= maxWaitingOfSender || this.#count >= maxWaiting) {
      this.#metrics.limitsHit.child('lists_waiting').add(1)
      answerTo.answerQuery(iqError(request, stanzaErrors.overload), undefined)
    } else {
      waiting.push({ ...list, answerTo })
      this.#count++
    }
  }

  #send(sender: string, { make, answerTo }: Waiting): void {
    if (!answerTo.answerQuery(make(), () => this.#next(sender))) this.#next(sender)
  }

  #next(sender: string): void {
    const next = this.#waiting.get(sender)?.shift()
    if (next === undefined) {
      this.#waiting.delete(sender)
      return
    }
    this.#count--
    this.#send(sender, next)
  }
}
