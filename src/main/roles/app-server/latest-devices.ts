import { modeOf, type Notification } from '../../../core/notification.ts'
import { hashOf } from '../../text-hash.ts'

/** A power of two. */
const places = 65_536

/**
 * Which device each push node was last published for, as far as it is known: two hashes, in a table of fixed size (half
 * a megabyte) where newer ones drive out older ones.
 */
export class LatestDevices {
  readonly #nodes = new Uint32Array(places)
  readonly #devices = new Uint32Array(places)

  note(notification: Notification): void {
    const node = hashOfNode(notification)
    this.#nodes[node % places] = node
    this.#devices[node % places] = hashOfDevice(notification)
  }

  /** Whether the node is known to have been published to for another device after this one. */
  isOther(notification: Notification): boolean {
    const node = hashOfNode(notification)
    return this.#nodes[node % places] === node && this.#devices[node % places] !== hashOfDevice(notification)
  }
}

function hashOfNode({ domain, node }: Notification): number {
  return hashOf(node, hashOf(domain)) >>> 0
}

function hashOfDevice({ device }: Notification): number {
  return hashOf(device.id, hashOf(modeOf(device), hashOf(device.service))) >>> 0
}
