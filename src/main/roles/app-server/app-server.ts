import type { Logger } from 'pino'
import { bareJid, domainOfBare, hasResource } from '../../../core/jid.ts'
import type { Notification } from '../../../core/notification.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { stanzaErrors } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { isIncomplete, lacksElements } from '../../../core/xml/pruned-element.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import type { NodeStore } from '../../store/node-ports.ts'
import { errorOfRefused } from './answer-publish.ts'
import { checkPublish } from './check-publish.ts'
import { type Domain, Domains } from './domain.ts'
import { LatestDevices } from './latest-devices.ts'
import type { ListAnswer } from './list-page.ts'
import { pubsubNs, pubsubOwnerNs, stanzaErrorNs } from './namespaces.ts'
import { NodeRequests } from './node-requests.ts'
import type { AppServerOptions } from './options.ts'
import { isPublish, onlyChild } from './payload.ts'
import type { PublishInput } from './publish-input.ts'
import { PublishRequest } from './publish-request.ts'
import { failedCheck, type PublishResult } from './publish-result.ts'
import { answerQuery, isQuery } from './queries.ts'
import { readPublish } from './read-publish.ts'
import { type DeadReason, Registrations } from './registrations.ts'
import { answer, type DropReason, dropped, type PublishVerdict, type Verdict } from './verdict.ts'

export { answerOverload, answerPublish } from './answer-publish.ts'

export interface AppServerPorts {
  readonly nodes: NodeStore
  readonly deadDevices: DeadDeviceStore
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Called when a stream of `domain` reports that an account, a bare JID, is gone: for other parts that keep its data. */
  readonly accountGone: (account: string, domain: string) => void
}

/** While the store is at fault every publish is: one line in this time says so. */
const faultLogIntervalMs = 10_000

/**
 * The App Server of XEP-0357: a stanza to one of its domains becomes a verdict. It holds no state but its
 * options; whatever lasts is in the store.
 *
 * Every IQ get or set gets exactly one answer, and a fault of ours is always a `wait`: it must not cost
 * anybody a registration.
 */
export class AppServer {
  readonly #ports: AppServerPorts
  readonly #nodeRequests: NodeRequests
  readonly #registrations: Registrations
  readonly #latestDevices = new LatestDevices()
  #options: AppServerOptions
  #domains: Domains
  #faultLoggedMs = Number.NEGATIVE_INFINITY

  constructor(options: AppServerOptions, ports: AppServerPorts) {
    this.#ports = ports
    this.#nodeRequests = new NodeRequests(ports)
    this.#registrations = new Registrations(ports)
    this.#options = options
    this.#domains = new Domains(options.domains, ports.metrics)
  }

  /** From the next stanza on these options hold. */
  reconfigure(options: AppServerOptions): void {
    this.#domains = new Domains(options.domains, this.#ports.metrics)
    this.#options = options
  }

  /** What is to be done about a stanza that came in on a stream of `domain`. Never throws. */
  handle(domain: string, stanza: Element): Verdict {
    if (stanza.name !== 'iq') return this.#handleOther(domain, stanza)

    let id: string | undefined
    let type: string | undefined
    let from = ''
    let to = domain
    const { attributes } = stanza
    for (let i = 0; i < attributes.length; i += 2) {
      const value = attributes[i + 1] ?? ''
      switch (attributes[i]) {
        case 'id':
          id = value
          break
        case 'type':
          type = value
          break
        case 'from':
          from = value
          break
        case 'to':
          to = value
          break
      }
    }
    if (type === 'result') return this.#drop(domain, 'iq-response')
    if (type === 'error') {
      this.#heedError(domain, stanza, from)
      return this.#drop(domain, 'iq-response')
    }
    if (from === '') return this.#drop(domain, 'unaddressed')

    const addressed = this.#domainAt(to, domain)
    if (addressed === undefined) return this.#drop(domain, 'unaddressed')
    const request = new PublishRequest(id ?? '', from, to)
    if ((type !== 'get' && type !== 'set') || id === undefined) {
      return answer(iqError(request, stanzaErrors.badRequest))
    }
    const payload = onlyChild(stanza)
    // The important parts of a publish are at its beginning, and the rest is cut anyway.
    const isOfPublish = payload !== undefined && isPublish(payload)
    if (isIncomplete(stanza) && !isOfPublish) return answer(iqError(request, stanzaErrors.incomplete))
    if (payload === undefined) return answer(iqError(request, stanzaErrors.badRequest))
    try {
      if (isOfPublish) return this.#publish(addressed, request, type, payload, lacksElements(stanza))
      return this.#handleRequest(addressed, request, type, payload)
    } catch (err) {
      return answer(this.#fault(request, err))
    }
  }

  serves(domain: string): boolean {
    return this.#domains.get(domain) !== undefined
  }

  /** Whether publishes to this domain need no push node. */
  isVirtual(domain: string): boolean {
    return this.#domains.get(domain)?.virtual === true
  }

  /** The checks for a publish that came in another way than as a stanza. Never throws. */
  checkPublish(input: PublishInput): PublishVerdict {
    const domain = this.#domains.get(input.domain)
    return domain === undefined ? noSuchDomain : this.#check(input, domain)
  }

  /** A device turned out dead, and the publish is being answered so: its registration goes. Never rejects. */
  async forgetRegistration(notification: Notification, reason: DeadReason): Promise<void> {
    if (this.#hasNodeFor(notification)) await this.#registrations.forgetDevice(notification, reason)
  }

  /**
   * A device turned out dead after its publish was answered: the node takes no more publishes, unless it is another
   * device's by now. Returns the messages that tell its owners, to be sent from the notification's domain. Never
   * rejects.
   */
  async deviceDied(notification: Notification, reason: DeadReason): Promise<string[]> {
    if (!this.#hasNodeFor(notification) || this.#latestDevices.isOther(notification)) return []
    return this.#registrations.retireNode(notification, reason)
  }

  /**
   * A stream of `domain` reports that an account, a bare JID, is gone: removes its nodes on every domain of that server.
   * Resolves to their number. Never rejects.
   */
  async accountGone(account: string, domain: string): Promise<number> {
    const bare = bareJid(account)
    if (bare === undefined) return 0
    this.#ports.accountGone(bare, domain)
    return this.#registrations.accountGone(bare, this.#options.servers.scopeOf(domain).domains)
  }

  #handleRequest(domain: Domain, request: PublishRequest, type: 'get' | 'set', payload: Element): Verdict {
    const { name, ns } = payload
    if (name === 'pubsub' && (ns === pubsubNs || ns === pubsubOwnerNs)) {
      return this.#settled(
        request,
        this.#nodeRequests.handle(domain, request, type, payload, this.#options.nodeLimits),
      )
    }
    if (!isQuery(payload)) return answer(iqError(request, stanzaErrors.serviceUnavailable))
    if (type === 'set') return answer(iqError(request, stanzaErrors.badRequest))
    return this.#settled(
      request,
      answerQuery(domain, request, payload, this.#ports.nodes, this.#options.version),
    )
  }

  #publish(
    domain: Domain,
    request: PublishRequest,
    type: 'get' | 'set',
    payload: Element,
    isCut: boolean,
  ): Verdict {
    const input = readPublish(domain.name, request.from, payload)
    if (type === 'get') input.malformed = 'a publish is an IQ of type set'
    const verdict = this.#check(input, domain)
    switch (verdict.kind) {
      case 'push':
        return { kind: 'push', notification: verdict.notification, sender: verdict.sender, request }
      case 'refused':
        return answeredPublish(input, iqError(request, errorOfRefused(verdict, isCut)), verdict.check)
      case 'done':
        return answeredPublish(input, iqResult(request), 'dropped')
    }
  }

  #check(input: PublishInput, domain: Domain): PublishVerdict {
    try {
      const verdict = checkPublish(input, domain, this.#options, this.#ports)
      if (verdict.kind === 'push' && hasNodes(domain)) this.#latestDevices.note(verdict.notification)
      return verdict
    } catch (err) {
      this.#logFault(err)
      return unchecked
    }
  }

  #handleOther(domain: string, stanza: Element): Verdict {
    const { name } = stanza
    if (name !== 'message' && name !== 'presence') return this.#drop(domain, 'unaddressed')
    if (stanza.attr('type') === 'error') this.#heedError(domain, stanza, stanza.attr('from') ?? '')
    return this.#drop(domain, name)
  }

  /**
   * The one sign a component gets that an account is gone for good: its server answers, from the bare JID,
   * with `cancel/gone` and no new address (RFC 6120 §8.3.3.5). All else that happens when an account is
   * deleted (service-unavailable, item-not-found, an unsubscribe) happens to living accounts too.
   */
  #heedError(domain: string, stanza: Element, from: string): void {
    if (from === '' || hasResource(from)) return
    for (const error of stanza.elements('error')) {
      const gone = error.attr('type') === 'cancel' ? error.child('gone', stanzaErrorNs) : undefined
      if (gone !== undefined && gone.text().trim() === '') void this.accountGone(from, domain)
    }
  }

  /** The domain of ours that an address is at: as a rule the stream's own, but one stream may carry several. */
  #domainAt(to: string, streamDomain: string): Domain | undefined {
    if (to === streamDomain) return this.#domains.get(to)
    const bare = bareJid(to)
    return bare === undefined ? undefined : this.#domains.get(domainOfBare(bare))
  }

  /** Only where publishes go into nodes: elsewhere a node's name proves nothing about the node. */
  #hasNodeFor({ domain, node }: Notification): boolean {
    const known = this.#domains.get(domain)
    return known !== undefined && hasNodes(known) && node !== ''
  }

  #drop(domain: string, why: DropReason): Verdict {
    this.#domains.get(domain)?.dropped[why].add(1)
    return dropped[why]
  }

  #settled(request: IqHeader, stanza: string | Promise<string> | ListAnswer): Verdict {
    if (typeof stanza === 'string') return answer(stanza)
    if ('makeList' in stanza) return { kind: 'list', request, make: () => this.#madeList(request, stanza) }
    return { kind: 'later', stanza: stanza.catch((err) => this.#fault(request, err)) }
  }

  #madeList(request: IqHeader, { makeList }: ListAnswer): string {
    try {
      return makeList()
    } catch (err) {
      return this.#fault(request, err)
    }
  }

  #fault(request: IqHeader, err: unknown): string {
    this.#logFault(err)
    return iqError(request, stanzaErrors.internalServerError)
  }

  /** Of the store, in all likelihood. */
  #logFault(err: unknown): void {
    const now = this.#ports.nowMs()
    if (now - this.#faultLoggedMs < faultLogIntervalMs) return
    this.#faultLoggedMs = now
    this.#ports.log.error({ err }, 'a request cannot be handled')
  }
}

const unchecked: PublishVerdict = {
  kind: 'refused',
  check: 'failed',
  error: stanzaErrors.internalServerError,
}

const noSuchDomain: PublishVerdict = {
  kind: 'refused',
  check: failedCheck.nodeExists,
  error: stanzaErrors.itemNotFound,
}

function answeredPublish({ domain, node }: PublishInput, stanza: string, result: PublishResult): Verdict {
  return { kind: 'answer', stanza, publish: { domain, node, result } }
}

/** Publishes go into nodes. */
function hasNodes({ pubsub, virtual }: Domain): boolean {
  return pubsub && !virtual
}
