import type { Logger } from 'pino'
import { domainOfBare } from '../../../core/jid.ts'
import type { StanzaError } from '../../../core/stanza-error.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { PublishStore, Subscription, SubscriptionStore } from '../../store/ports.ts'
import { bodyField, senderFields } from '../app-server/content.ts'
import type { PublishEnd, PublishSink } from '../app-server/publish-end.ts'
import { PublishInput } from '../app-server/publish-input.ts'
import type { PushEnds, PushSafety } from './event-end.ts'
import { HeldPublishes } from './held-publishes.ts'
import type { XmppServerOptions } from './options.ts'
import { RemotePublishes } from './remote-publishes.ts'

export interface PublisherPorts {
  readonly subscriptions: SubscriptionStore
  readonly publishes: PublishStore
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number
  /** From 0 to below 1. */
  readonly random: () => number
  /** Whether publishes to this domain are pushes of our own, without a node and without XMPP. */
  readonly isVirtual: (domain: string) => boolean
  /**
   * A publish to such a domain, through the checks and the dispatcher that all publishes take. `from`: where its event
   * came in, or ''. Never throws.
   */
  readonly publishHere: (input: PublishInput, from: string, sink: PublishSink) => void
  /** Whether a push of what came in on this domain would be taken on now. If not, its streams are held back. */
  readonly hasRoom: (domain: string) => boolean
  /** Whether a domain of ours has a stream. */
  readonly hasStream: (domain: string) => boolean
  /** Sends a stanza from a domain of ours; false: no stream takes it. */
  readonly send: (domain: string, stanza: string) => boolean
}

/**
 * Notifies subscriptions: a virtual host of ours straight through the dispatcher, anybody else by publish (XEP-0357
 * §7). An App Server that wants no more of it (`cancel`) ends the subscription, and so does a dead device here, which
 * is the same answer, and an App Server that is not reached for days; everything else keeps it.
 */
export class Publisher {
  readonly remote: RemotePublishes
  readonly held: HeldPublishes
  readonly #ports: PublisherPorts
  #options: XmppServerOptions

  constructor(options: XmppServerOptions, ports: PublisherPorts) {
    this.#options = options
    this.#ports = ports
    this.held = new HeldPublishes(ports)
    const limits = { maxPending: options.maxRemotePublishes, lifetimeMs: options.lifetimeMs }
    this.remote = new RemotePublishes(limits, {
      ...ports,
      find: (user, jid, node) =>
        ports.subscriptions.of(user).find((one) => one.jid === jid && one.node === node),
      senderOf: (wanted, user) => this.#senderOf(wanted, user),
      taken: (subscription) => this.#used(subscription),
      unreached: (subscription) => void this.#unreached(subscription),
      refused: (subscription, condition) => void this.#disable(subscription, 'refused', condition),
    })
  }

  reconfigure(options: XmppServerOptions): void {
    this.#options = options
  }

  /** `domain`: where the event came in, or ''. Never throws. */
  notify(subscription: Subscription, summary: readonly string[], domain: string, ends: PushEnds): void {
    if (this.#ports.isVirtual(subscription.jid)) this.#publishHere(subscription, summary, domain, ends)
    else this.#publishThere(subscription, this.#allowed(summary), domain, ends)
  }

  /** The end of a publish to a virtual host of ours. */
  publishedHere(subscription: Subscription, end: PublishEnd | undefined): PushSafety {
    if (end === undefined) return 'safe'
    const { error, result } = end
    if (error === undefined) this.#used(subscription)
    else if (error.type === 'cancel') {
      const isDead = error.pubsub === 'device-not-registered'
      void this.#disable(subscription, isDead ? 'dead_device' : 'refused', result)
    }
    return safetyHere(error)
  }

  #publishHere(subscription: Subscription, summary: readonly string[], domain: string, ends: PushEnds): void {
    const { user, jid } = subscription
    // A virtual host of another server decides itself who may publish there.
    const isForeign = this.#options.servers.areApart(domainOfBare(user), domainOfBare(jid))
    const publisher = isForeign ? this.#senderOf([subscription.domain, domain], user) : undefined
    const input = new PublishInput(jid, publisher)
    input.node = subscription.node
    input.isNotification = true
    input.isOfEvent = true
    input.enabledAtMs = subscription.enabledAtMs
    for (const [name, value] of subscription.options) input.setOption(name, value)
    for (let i = 0; i < summary.length; i += 2) {
      const value = summary[i + 1] ?? ''
      if (value !== '') input.summary.set(summary[i] ?? '', value)
    }
    this.held.publish(input, domain, new PublishHere(this, subscription, ends))
  }

  #publishThere(
    subscription: Subscription,
    summary: readonly string[],
    domain: string,
    ends: PushEnds,
  ): void {
    // Where it was enabled is whom the App Server lets publish; a configuration may have lost it since.
    const from = this.#senderOf([subscription.domain, domain], subscription.user)
    if (from === undefined) {
      this.#ports.metrics.publishesSent.child('failed').add(1)
      ends.pushEnded(subscription, 'safe')
      return
    }
    const safety = this.remote.publish(subscription, summary, from)
    if (typeof safety === 'string') ends.pushEnded(subscription, safety)
    else void safety.then((known) => ends.pushEnded(subscription, known))
  }

  /** Messages to a user go out only over the streams of the user's own server. */
  #senderOf(wanted: readonly string[], user: string): string | undefined {
    const domains = this.#options.servers.domainsFor(domainOfBare(user))
    return wanted.find((one) => domains.includes(one)) ?? domains[0]
  }

  /** Without what the operator lets nobody see. */
  #allowed(summary: readonly string[]): readonly string[] {
    const { includeSender, includeBody } = this.#options.content
    if (includeSender && includeBody) return summary
    const allowed: string[] = []
    for (let i = 0; i < summary.length; i += 2) {
      const name = summary[i] ?? ''
      if (!includeSender && senderFields.includes(name)) continue
      if (!includeBody && name === bodyField) continue
      allowed.push(name, summary[i + 1] ?? '')
    }
    return allowed
  }

  #used(subscription: Subscription): void {
    this.#ports.subscriptions
      .used(subscription, this.#ports.nowMs())
      .catch((err: unknown) => this.#ports.log.debug({ err }, 'the use of a subscription was not noted'))
  }

  async #disable(subscription: Subscription, reason: 'dead_device' | 'refused', word: string): Promise<void> {
    const { subscriptions, metrics, log } = this.#ports
    const { user, jid, node } = subscription
    try {
      if (!(await subscriptions.removeSame(subscription))) return
      metrics.registrationsDisabled.child(reason).add(1)
      log.info({ user, jid, node, reason, word }, 'push disabled: its App Server takes no more of it')
    } catch (err) {
      log.error({ err, user, jid }, 'a push subscription cannot be removed')
    }
  }

  async #unreached(subscription: Subscription): Promise<void> {
    const { subscriptions, metrics, log, nowMs } = this.#ports
    const { user, jid, node } = subscription
    try {
      if (!(await subscriptions.unreached(subscription, nowMs()))) return
      metrics.registrationsDisabled.child('unreachable').add(1)
      log.info(
        { user, jid, node, reason: 'unreachable' },
        'push disabled: its App Server was unreachable for days',
      )
    } catch (err) {
      log.debug({ err }, 'cannot record that an App Server was not reached')
    }
  }
}

/** One publish to a virtual host of ours, until its end. */
class PublishHere implements PublishSink {
  readonly #publisher: Publisher
  readonly #subscription: Subscription
  readonly #ends: PushEnds

  constructor(publisher: Publisher, subscription: Subscription, ends: PushEnds) {
    this.#publisher = publisher
    this.#subscription = subscription
    this.#ends = ends
  }

  publishEnded(end: PublishEnd | undefined): void {
    this.#ends.pushEnded(this.#subscription, this.#publisher.publishedHere(this.#subscription, end))
  }
}

/** What an answer for a virtual host of ours says about the push. What nobody will ever take has ended, too. */
function safetyHere(error: StanzaError | undefined): PushSafety {
  // With a pubsub condition the error is about this push or its device, and a retry does not help.
  if (error?.type !== 'wait' || error.pubsub !== undefined) return 'safe'
  switch (error.condition) {
    case 'service-unavailable':
      return 'no-room'
    case 'remote-server-timeout':
    case 'internal-server-error':
      return 'undelivered'
    default:
      return 'safe'
  }
}
