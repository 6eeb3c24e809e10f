import { type Device, modeOf } from '../../core/notification.ts'
import { hashOf } from '../text-hash.ts'

/** A power of two. */
const places = 131_072

/**
 * Which topics devices were delivered with, as far as it is known: hashes in a table of fixed size (half a megabyte),
 * where newer ones drive out older ones. What is forgotten, also by a restart, is known again with the next delivery. The
 * hashes begin with numbers of this run's, so that nobody can choose a topic that looks like another.
 */
export class DeliveredTopics {
  readonly #known = new Uint32Array(places)
  readonly #placeSeed: number
  readonly #valueSeed: number

  readonly #forgotten: () => void

  /** `random`: 0 ≤ r < 1. `forgotten`: told of each that gives way to a newer one. */
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

  /** Never 0, which stands for nothing. */
  #valueOf(device: Device, topic: string): number {
    return hashAll(device, topic, this.#valueSeed) || 1
  }
}

function hashAll(device: Device, topic: string, seed: number): number {
  const hash = hashOf(device.id, hashOf(topic, hashOf(modeOf(device), hashOf(device.service, seed))))
  // FNV's low bits know little of what comes first.
  return (hash ^ (hash >>> 15)) >>> 0
}
