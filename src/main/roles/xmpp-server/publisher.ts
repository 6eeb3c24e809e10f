import type { Logger } from 'pino'
import type { StanzaError } from '../../../core/stanza-error.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { Subscription, SubscriptionStore } from '../../store/ports.ts'
import { bodyField, senderFields } from '../app-server/content.ts'
import { PublishInput } from '../app-server/publish-input.ts'
import type { PublishResult } from '../app-server/publish-result.ts'
import type { XmppServerOptions } from './options.ts'
import { RemotePublishes } from './remote-publishes.ts'

export interface PublisherPorts {
  readonly subscriptions: SubscriptionStore
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
  /** A publish to such a domain, through the checks and the dispatcher that all publishes take. Never rejects. */
  readonly publishHere: (input: PublishInput) => Promise<PublishHereEnd | undefined>
  /** Sends a stanza from a domain of ours; false: it has no stream. */
  readonly send: (domain: string, stanza: string) => boolean
}

export interface PublishHereEnd {
  /** What an App Server elsewhere would have answered; undefined: a result. */
  readonly error: StanzaError | undefined
  readonly result: PublishResult
}

/** Publishes to App Servers elsewhere that may be unanswered, some kilobytes each. */
const maxRemote = 100_000

/**
 * Notifies subscriptions: a virtual host of ours straight through the dispatcher, anybody else by publish (XEP-0357
 * §7). An App Server that wants no more of it (`cancel`) ends the subscription, and so does a dead device here, which
 * is the same answer; everything else keeps it.
 */
export class Publisher {
  readonly remote: RemotePublishes
  readonly #ports: PublisherPorts
  #options: XmppServerOptions

  constructor(options: XmppServerOptions, ports: PublisherPorts) {
    this.#options = options
    this.#ports = ports
    const { metrics, monotonicMs, random, send } = ports
    this.remote = new RemotePublishes(maxRemote, {
      metrics,
      monotonicMs,
      random,
      send,
      taken: (subscription) => this.#used(subscription),
      refused: (subscription, condition) => void this.#disable(subscription, 'refused', condition),
    })
  }

  reconfigure(options: XmppServerOptions): void {
    this.#options = options
  }

  /** `domain`: where the event came in, or ''. */
  notify(subscription: Subscription, summary: readonly string[], domain: string): void {
    if (this.#ports.isVirtual(subscription.jid)) void this.#publishHere(subscription, summary)
    else this.#publishThere(subscription, this.#allowed(summary), domain)
  }

  async #publishHere(subscription: Subscription, summary: readonly string[]): Promise<void> {
    const input = new PublishInput(subscription.jid, undefined)
    input.node = subscription.node
    input.isNotification = true
    for (const [name, value] of subscription.options) input.setOption(name, value)
    for (let i = 0; i < summary.length; i += 2) {
      const value = summary[i + 1] ?? ''
      if (value !== '') input.summary.set(summary[i] ?? '', value)
    }
    const end = await this.#ports.publishHere(input)
    if (end === undefined) return
    const { error, result } = end
    if (error === undefined) this.#used(subscription)
    else if (error.type === 'cancel') {
      const isDead = error.pubsub === 'device-not-registered'
      await this.#disable(subscription, isDead ? 'dead_device' : 'refused', result)
    }
  }

  #publishThere(subscription: Subscription, summary: readonly string[], domain: string): void {
    const { domains } = this.#options
    // Where it was enabled is whom the App Server lets publish; a configuration may have lost it since.
    const from = [subscription.domain, domain].find((one) => domains.includes(one)) ?? domains[0]
    if (from !== undefined) this.remote.publish(subscription, summary, from)
    else this.#ports.metrics.publishesSent.child('failed').add(1)
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
}
