import { type Device, modeOf } from '../../core/notification.ts'
import { hashOf } from '../text-hash.ts'

/** A power of two. */
const places = 131_072

/**
 * Remembers with which topics pushes were delivered to a device: hashes in a table of fixed size (half a megabyte), in which
 * newer entries replace older ones. After a restart, or when an entry was replaced, the next delivery adds it again. The
 * hashes have random seeds of this run, so that no stranger can choose a topic with the hash of another.
 */
export class DeliveredTopics {
  readonly #known = new Uint32Array(places)
  readonly #placeSeed: number
  readonly #valueSeed: number

  readonly #forgotten: () => void

  /** `random`: 0 ≤ r < 1. `forgotten`: called for each entry that a newer one replaces. */
  constructor(random: () => number, forgotten: () => void) {
    this.#forgotten = forgotten
    this.#placeSeed = Math.floor(random() * 2 ** 32)
    this.#valueSeed = Math.floor(random() * 2 ** 32)
  }

  note(device: Device, topic: string): void {
    const place = this.#placeOf(device, topic)
    const value = this.#valueOf(device, topic)
    const known = this.#known[place]
    if (known === value) return
    if (known !== 0) this.#forgotten()
    this.#known[place] = value
  }

  has(device: Device, topic: string): boolean {
    return this.#known[this.#placeOf(device, topic)] === this.#valueOf(device, topic)
  }

  #placeOf(device: Device, topic: string): number {
    return hashAll(device, topic, this.#placeSeed) & (places - 1)
  }

  /** Never 0, which marks an empty place. */
  #valueOf(device: Device, topic: string): number {
    return hashAll(device, topic, this.#valueSeed) || 1
  }
}

function hashAll(device: Device, topic: string, seed: number): number {
  const hash = hashOf(device.id, hashOf(topic, hashOf(modeOf(device), hashOf(device.service, seed))))
  // The low bits of FNV depend little on the first characters.
  return (hash ^ (hash >>> 15)) >>> 0
}
