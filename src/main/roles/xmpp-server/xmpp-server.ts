import { bareJid, domainOfBare } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { isIncomplete } from '../../../core/xml/pruned-element.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import { answerDelegated, answerNesting, isDelegation, readDelegation } from './delegation.ts'
import type { EventEnded } from './event-end.ts'
import { EventIntake, type IncomingEvent } from './event-intake.ts'
import { readMessage } from './event-messages.ts'
import type { XmppServerOptions } from './options.ts'
import type { Decider } from './plugin-decision.ts'
import { Publisher, type PublisherPorts } from './publisher.ts'
import { isPushRequest } from './push-request.ts'
import { isDomain } from './read-message.ts'
import { Registrations } from './registrations.ts'
import type { XmppServerVerdict } from './verdict.ts'

export interface XmppServerPorts extends PublisherPorts {
  readonly deadDevices: DeadDeviceStore
  readonly plugin: Decider
}

/**
 * What a user's own server does for push (XEP-0357 §5 to §7): it takes enables and disables, learns of messages that
 * were not delivered, and publishes. Beside any server that can delegate a namespace, or whose users ask here, and
 * that tells of messages.
 */
export class XmppServer {
  readonly #publisher: Publisher
  readonly #intake: EventIntake
  readonly #registrations: Registrations
  readonly #ports: XmppServerPorts
  readonly #isServed = (host: string): boolean => this.#intake.isServed(host)
  #options: XmppServerOptions

  constructor(options: XmppServerOptions, ports: XmppServerPorts) {
    this.#options = options
    this.#ports = ports
    this.#publisher = new Publisher(options, ports)
    this.#intake = new EventIntake(options, {
      ...ports,
      notify: (subscription, summary, domain, ends) =>
        this.#publisher.notify(subscription, summary, domain, ends),
    })
    this.#registrations = new Registrations(ports)
  }

  /** From the next stanza or event on these options hold. */
  reconfigure(options: XmppServerOptions): void {
    this.#options = options
    this.#publisher.reconfigure(options)
    this.#intake.reconfigure(options)
  }

  /** Whether an event that can wait should: it is answered then, not taken. */
  get full(): boolean {
    return this.#intake.full || this.#publisher.remote.full
  }

  /** An event; `ended`: whoever told of it may forget it, or is to tell of it again. Never throws. */
  take(event: IncomingEvent, ended: EventEnded): void {
    this.#intake.take(event, ended)
  }

  /**
   * What is to be done about a stanza that `isForXmppServer`, on a stream of `domain`. Undefined: it is nothing that
   * this role knows of after all. Never throws.
   */
  handle(domain: string, stanza: Element): XmppServerVerdict | undefined {
    if (stanza.name === 'message') return this.#handleMessage(domain, stanza)
    const type = stanza.attr('type')
    if (type === 'result' || type === 'error') {
      return this.#publisher.remote.takeAnswer(domain, stanza) ? taken : undefined
    }
    const [payload, ...more] = stanza.elements()
    const id = stanza.attr('id')
    const from = stanza.attr('from')
    if ((type !== 'get' && type !== 'set') || id === undefined) return undefined
    // An answer to nobody would end the stream (RFC 6120 §4.9.3.7).
    if (from === undefined || from === '') return undefined
    if (payload === undefined || more.length > 0) return undefined

    const request = { id, from, to: stanza.attr('to') ?? domain }
    const asked = domainOfBare(bareJid(request.to) ?? domain)
    const isWhole = !isIncomplete(stanza)
    if (isDelegation(payload)) return this.#handleDelegated(asked, request, type, payload, isWhole)
    // The App Server role refuses the request.
    if (!isWhole) return undefined
    if (isPushRequest(payload)) return this.#handleDirect(asked, request, type, payload)
    if (!isDomain(from) || !this.#isServed(from)) return undefined
    const nesting = type === 'get' ? answerNesting(request, payload) : undefined
    return nesting === undefined ? undefined : answer(nesting)
  }

  /** The streams of a domain are not read any more, for want of room. */
  holdBack(domain: string): void {
    this.#publisher.held.holdBack(domain)
  }

  /** The streams of a domain are no longer held back: when `goOn` is called, they may be read. */
  release(domain: string, goOn: () => void): void {
    this.#publisher.held.release(domain, goOn)
  }

  /** Resolves when every event so far is decided about, and its notifications are on their way, or held. */
  decided(): Promise<void> {
    return this.#intake.decided()
  }

  /** Takes up the publishes to App Servers elsewhere that an earlier run has left. */
  start(): void {
    this.#publisher.remote.resume()
  }

  /** What was held goes out at once. No more attempts at publishes elsewhere: what has not ended is stored. */
  stop(): Promise<void> {
    this.#publisher.held.stop()
    return this.#publisher.remote.stop()
  }

  /**
   * A stream of `domain` reports that an account, a bare JID, is gone: removes its subscriptions. If the account's host does
   * not belong to that server, removes only those that were enabled there. Never rejects.
   */
  accountGone(account: string, domain: string): Promise<void> {
    const scope = this.#options.servers.scopeOf(domain)
    const isOwn = scope.isOwnHost(domainOfBare(account))
    return this.#registrations.accountGone(account, isOwn ? undefined : scope.domains)
  }

  /** A user of a served host, for itself. */
  #handleDirect(domain: string, request: IqHeader, type: 'get' | 'set', payload: Element): XmppServerVerdict {
    const user = bareJid(request.from)
    if (user === undefined || !user.includes('@') || !this.#isServed(domainOfBare(user))) {
      return answer(iqError(request, stanzaErrors.forbidden))
    }
    return this.#register({ user, session: request.from, domain }, type, payload, (error) =>
      error === undefined ? iqResult(request) : iqError(request, error),
    )
  }

  #handleDelegated(
    domain: string,
    outer: IqHeader,
    type: 'get' | 'set',
    delegation: Element,
    isWhole: boolean,
  ): XmppServerVerdict {
    if (type === 'get') return answer(iqError(outer, stanzaErrors.badRequest))
    const read = readDelegation(outer, delegation, this.#isServed)
    if (read.kind === 'refused') return answer(read.stanza)
    const { request } = read
    if (!isWhole) return answer(answerDelegated(request, stanzaErrors.incomplete))
    if (!isPushRequest(request.payload)) {
      return answer(answerDelegated(request, stanzaErrors.serviceUnavailable))
    }
    const asker = { user: request.user, session: request.inner.from, domain }
    return this.#register(asker, request.type, request.payload, (error) => answerDelegated(request, error))
  }

  #register(
    asker: Parameters<Registrations['handle']>[0],
    type: 'get' | 'set',
    payload: Element,
    render: (error: StanzaError | undefined) => string,
  ): XmppServerVerdict {
    const { maxSubscriptionsPerUser } = this.#options
    const error = this.#registrations.handle(asker, type, payload, maxSubscriptionsPerUser)
    if (!(error instanceof Promise)) return answer(render(error))
    return { kind: 'later', stanza: error.then(render) }
  }

  #handleMessage(domain: string, message: Element): XmppServerVerdict | undefined {
    const read = readMessage(domain, message, this.#isServed)
    switch (read?.kind) {
      case undefined:
        return undefined
      case 'event': {
        const { event } = read
        // A server may report only messages of its own users.
        if (
          event.message !== undefined &&
          this.#options.servers.scopeOf(domain).isForeign(event.message.to)
        ) {
          return this.#refused(event.source)
        }
        this.take(event, nobodyWaits)
        return taken
      }
      case 'refused':
        return this.#refused(read.source)
      case 'advertisement':
        return taken
    }
  }

  #refused(source: IncomingEvent['source']): undefined {
    this.#ports.metrics.events.child(source, 'refused').add(1)
    return undefined
  }
}

const taken: XmppServerVerdict = { kind: 'taken' }

/** What was told of over XMPP is told of once, whatever became of it. */
function nobodyWaits(): void {}

function answer(stanza: string): XmppServerVerdict {
  return { kind: 'answer', stanza, publish: undefined }
}
