import type { Logger } from 'pino'
import { bareJid, domainOfBare } from '../../core/jid.ts'
import { iqError } from '../../core/stanza.ts'
import { stanzaErrors } from '../../core/stanza-error.ts'
import type { Element } from '../../core/xml/element.ts'
import type { StreamScope } from '../../core/xmpp-servers.ts'
import type { Tally } from '../metrics/tally.ts'
import { RareLine } from '../rare-line.ts'
import type { StanzaSink } from './ports.ts'

export interface GuardPorts {
  readonly foreignFrom: Tally
  readonly foreignTo: Tally
  readonly log: Logger
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number
}

/**
 * Lets in what the server of a component may send on its streams:
 *
 * - A `from` of another server here is forged, or came by federation, which proves no more to us: it is dropped.
 * - A `to` of none of the server's components is another component's. With `global_routes`, ejabberd's default, every
 *   component of a listener gets the stanzas to all of them, and may send in the name of all. A request is answered
 *   `item-not-found` from where it went, if that is below a host of the server. Anywhere else no honest server of ours
 *   would have it from, and an answer that the server does not take would end the stream: there is silence. So there is
 *   once a server has ended a stream with `invalid-from`.
 */
export class StreamGuard {
  /** Replaced when the configuration says otherwise. */
  scope: StreamScope
  readonly #ports: GuardPorts
  readonly #fromLine: RareLine
  readonly #toLine: RareLine
  #answers = true

  constructor(scope: StreamScope, ports: GuardPorts) {
    this.scope = scope
    this.#ports = ports
    const { log, monotonicMs } = ports
    this.#fromLine = new RareLine(
      (times, host) =>
        log.warn({ host, times }, 'dropped stanzas from a host that belongs to another server'),
      monotonicMs,
    )
    this.#toLine = new RareLine(
      (times, host) =>
        log.warn(
          { host, times },
          'received stanzas for another component: in ejabberd, set global_routes: false on the listener',
        ),
      monotonicMs,
    )
  }

  /** The server has ended a stream for a `from` of ours. */
  answersNoMore(): void {
    this.#answers = false
  }

  /** False: the stanza is done with. */
  admits(stanza: Element, answerTo: StanzaSink): boolean {
    const from = stanza.attr('from')
    if (from !== undefined && this.scope.isForeign(from)) {
      this.#ports.foreignFrom.add(1)
      this.#fromLine.note(hostOf(from))
      return false
    }
    const to = stanza.attr('to')
    if (to === undefined || this.scope.isOurs(to)) return true
    this.#ports.foreignTo.add(1)
    this.#toLine.note(hostOf(to))
    if (this.#answers && from !== undefined && this.scope.isBelowOwnHost(to)) {
      answerNotFound(stanza, from, to, answerTo)
    }
    return false
  }
}

/** Only requests are answered (RFC 6120 §8.2.3). */
function answerNotFound(stanza: Element, from: string, to: string, answerTo: StanzaSink): void {
  const type = stanza.attr('type')
  const id = stanza.attr('id')
  if (stanza.name !== 'iq' || (type !== 'get' && type !== 'set') || id === undefined) return
  answerTo.send(iqError({ id, from, to }, stanzaErrors.itemNotFound))
}

/** Where an address is, for the log; '': it is none. */
export function hostOf(address: string): string {
  const bare = bareJid(address)
  return bare === undefined ? '' : domainOfBare(bare)
}
