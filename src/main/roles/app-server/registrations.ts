import type { Logger } from 'pino'
import { bareDeviceId } from '../../../core/gateway/publish-target.ts'
import type { Device, Notification } from '../../../core/notification.ts'
import { modeOf } from '../../../core/notification.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { NodeRecord, NodeRegistration, NodeStore } from '../../store/node-ports.ts'
import { ownersOf, withoutPublishers } from './affiliations.ts'
import { pubsubNs } from './namespaces.ts'

/**
 * What ends a push node other than its owner: its device is dead, or its owner is gone.
 *
 * A publish that is answered with `device-not-registered` makes the XMPP server forget its own registration;
 * only one that was answered before needs the owner to be told.
 */
export interface RegistrationPorts {
  readonly nodes: NodeStore
  readonly metrics: Metrics
  readonly log: Logger
}

/** Who called the device dead: its provider, or the number of refusals in a row. */
export type DeadReason = 'dead_device' | 'suspect_limit'

export class Registrations {
  readonly #ports: RegistrationPorts

  constructor(ports: RegistrationPorts) {
    this.#ports = ports
  }

  /** Removes the node if it is registered for exactly this device. Never rejects. */
  async forgetDevice({ domain, node, device }: Notification, reason: DeadReason): Promise<void> {
    try {
      const record = this.#ports.nodes.get(domain, node)
      if (record === undefined || !isRegisteredFor(record, device)) return
      if (await this.#ports.nodes.remove(domain, node)) this.#countRemoved(reason)
    } catch (err) {
      this.#ports.log.error({ err, domain }, 'cannot remove the registration of a dead device')
    }
  }

  /**
   * The same after the publish was answered: nobody may publish to the node from now on, and its owners get
   * the affiliation change of XEP-0357 §8, whose stanzas are returned. Not for a node that was made since, or is
   * registered for another device. Never rejects.
   */
  async retireNode(notification: Notification, reason: DeadReason): Promise<string[]> {
    const { domain, node, device, createdAtMs } = notification
    const { nodes } = this.#ports
    try {
      let owners: string[] = []
      let registered = false
      await nodes.update(
        domain,
        node,
        (record) => {
          registered = record.registration !== undefined
          if (registered && !isRegisteredFor(record, device)) return undefined
          if (record.createdAtMs > createdAtMs) return undefined
          owners = ownersOf(record)
          return withoutPublishers(record)
        },
        undefined,
      )
      if (owners.length === 0) return []
      if (registered) await nodes.remove(domain, node)
      this.#countRemoved(reason)
      return owners.map((owner) => affiliationGone(domain, node, owner))
    } catch (err) {
      this.#ports.log.error({ err, domain }, 'cannot retire the node of a dead device')
      return []
    }
  }

  /** Removes what an account that no longer exists, a bare JID, has on these domains. How many nodes went. Never rejects. */
  async accountGone(account: string, domains: ReadonlySet<string>): Promise<number> {
    try {
      const removed = await this.#ports.nodes.removeOwnedBy(account, domains)
      if (removed > 0) {
        this.#ports.log.info({ removed }, 'removed the push nodes of an account that is gone')
        this.#countRemoved('account_gone', removed)
      }
      return removed
    } catch (err) {
      this.#ports.log.error({ err }, 'cannot remove the push nodes of an account that is gone')
      return 0
    }
  }

  #countRemoved(reason: DeadReason | 'account_gone', count = 1): void {
    this.#ports.metrics.registrationsDisabled.child(reason).add(count)
  }
}

function isRegisteredFor({ registration }: NodeRecord, device: Device): boolean {
  if (registration === undefined) return false
  const { service, id, mode } = registeredDevice(registration)
  return service === device.service && id === device.id && mode === modeOf(device)
}

function registeredDevice({ options }: NodeRegistration): { service: unknown; id: unknown; mode: string } {
  const id = bareDeviceId(options.device_id ?? options.device ?? '')
  return { service: options.service, id, mode: options.mode ?? 'prod' }
}

/** XEP-0357 §8. */
function affiliationGone(domain: string, node: string, owner: string): string {
  const jid = escapeXml(owner)
  return (
    `<message from='${escapeXml(domain)}' to='${jid}'><pubsub xmlns='${pubsubNs}' node='${escapeXml(node)}'>` +
    `<affiliation jid='${jid}' affiliation='none'/></pubsub></message>`
  )
}
