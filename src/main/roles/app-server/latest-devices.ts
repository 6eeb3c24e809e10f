import { modeOf, type Notification } from '../../../core/notification.ts'

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
  return hashed(node, hashed(domain, start)) >>> 0
}

function hashOfDevice({ device }: Notification): number {
  return hashed(device.id, hashed(modeOf(device), hashed(device.service, start))) >>> 0
}

/** FNV-1a, over UTF-16 units, with an end to each text. */
const start = 0x811c9dc5
const prime = 0x01000193

function hashed(text: string, before: number): number {
  let hash = before
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime)
  return Math.imul(hash, prime)
}
