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
 * Admits the stanzas that the server of a component may send on its streams:
 *
 * - A stanza with a `from` of another server here is dropped: it is forged, or came by federation, which does not prove its
 *   `from` to the daemon.
 * - A stanza whose `to` is not at one of the server's components is for another component. With `global_routes`, ejabberd's
 *   default, every component of a listener gets the stanzas for all of them, and may send in the name of all. A request is
 *   answered with `item-not-found` from the address that it was sent to, if that is at a subdomain of a host of the server.
 *   For any other address there is no answer: no honest server sends such a request, and a server that does not accept the
 *   answer would end the stream. There is no answer, either, once a server has ended a stream with `invalid-from`.
 */
export class StreamGuard {
  /** Replaced when the configuration changes. */
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

  /** Whether requests for other addresses of the server are answered. */
  get answers(): boolean {
    return this.#answers
  }

  /** The server ended a stream because of a `from` of the daemon. */
  answersNoMore(): void {
    this.#answers = false
  }

  /** False: the stanza needs no further handling. */
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

/** The host of an address, for the log; '' for an invalid address. */
export function hostOf(address: string): string {
  const bare = bareJid(address)
  return bare === undefined ? '' : domainOfBare(bare)
}
