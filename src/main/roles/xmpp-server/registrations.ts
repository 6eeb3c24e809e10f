import type { Logger } from 'pino'
import { bareDeviceId } from '../../../core/gateway/publish-target.ts'
import type { Device } from '../../../core/notification.ts'
import { type StanzaError, stanzaErrors } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import type { Subscription, SubscriptionStore } from '../../store/ports.ts'
import { readPushRequest } from './push-request.ts'

export interface RegistrationPorts {
  readonly subscriptions: SubscriptionStore
  readonly deadDevices: DeadDeviceStore
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/** Who asks, once that is known to be allowed. */
export interface Asker {
  /** Bare JID. */
  readonly user: string
  /** Full JID, as it was stamped. */
  readonly session: string
  /** The domain of ours that was asked. */
  readonly domain: string
}

/** While the store is at fault every request is: one line in this time says so. */
const faultLogIntervalMs = 10_000

/** Enables and disables push for users (XEP-0357 §5, §6), whichever way they asked. */
export class Registrations {
  readonly #ports: RegistrationPorts
  #faultLoggedMs = Number.NEGATIVE_INFINITY

  constructor(ports: RegistrationPorts) {
    this.#ports = ports
  }

  /** Carries out a request with `<enable/>` or `<disable/>`. The error; undefined: done, and on disk. Never rejects. */
  handle(
    asker: Asker,
    type: 'get' | 'set',
    payload: Element,
    maxPerUser: number,
  ): StanzaError | Promise<StanzaError | undefined> {
    const request = readPushRequest(type, payload)
    switch (request.kind) {
      case 'refused':
        return request.error
      case 'enable': {
        const now = this.#ports.nowMs()
        const { jid, node, options } = request
        return this.#settled(
          this.#enable(
            { ...asker, jid, node, options, enabledAtMs: now, usedAtMs: now, outage: undefined },
            maxPerUser,
          ),
        )
      }
      case 'disable':
        return this.#settled(this.#ports.subscriptions.remove(asker.user, request.jid, request.node))
    }
  }

  /**
   * Removes the subscriptions of an account (a bare JID) that no longer exists, on these domains or on all. Never rejects.
   */
  async accountGone(account: string, domains: ReadonlySet<string> | undefined): Promise<void> {
    const { subscriptions, metrics, log } = this.#ports
    try {
      const removed = await (domains === undefined
        ? subscriptions.removeUser(account)
        : subscriptions.removeEnabledOn(account, domains))
      if (removed === 0) return
      metrics.registrationsDisabled.child('account_gone').add(removed)
      log.info({ user: account, removed, reason: 'account_gone' }, 'push disabled: the account is gone')
    } catch (err) {
      log.error({ err }, 'cannot remove the push subscriptions of an account that is gone')
    }
  }

  async #enable(subscription: Subscription, maxPerUser: number): Promise<void> {
    const { subscriptions, deadDevices, metrics } = this.#ports
    const stored = subscriptions.put(subscription, maxPerUser)
    // The app has just shown that the device lives.
    const device = deviceOf(subscription)
    const [removed] = await Promise.all([stored, device && deadDevices.forget(device)])
    if (removed > 0) metrics.limitsHit.child('max_subscriptions_per_user').add(removed)
  }

  async #settled(change: Promise<unknown>): Promise<StanzaError | undefined> {
    try {
      await change
      return undefined
    } catch (err) {
      const now = this.#ports.nowMs()
      if (now - this.#faultLoggedMs >= faultLogIntervalMs) {
        this.#faultLoggedMs = now
        this.#ports.log.error({ err }, 'a push subscription cannot be changed')
      }
      return stanzaErrors.internalServerError
    }
  }
}

/** The device that a subscription's options name, if they name one. */
function deviceOf({ options }: Subscription): Device | undefined {
  const named = new Map(options)
  const service = named.get('service')
  const id = bareDeviceId(named.get('device_id') || named.get('device') || '')
  if (service === undefined || service === '' || id === '') return undefined
  return { service, mode: named.get('mode') || undefined, id }
}
