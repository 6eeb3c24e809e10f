/**
 * Devices to which the provider throttles pushes. No push goes out to such a device until its pause is over. A device is
 * remembered until a push is delivered to it. There are at most `maxDevices`; a further one replaces the device that was
 * paused longest ago, whose pause then ends.
 */
export class PausedDevices {
  readonly #maxDevices: number
  /** When each pause is over, in the order in which they began. Monotonic. */
  readonly #untilMs = new Map<string, number>()

  constructor(maxDevices: number) {
    this.#maxDevices = maxDevices
  }

  /** No device is paused. This usual case saves building device names. */
  get none(): boolean {
    return this.#untilMs.size === 0
  }

  /** How many devices are paused at this time. */
  count(nowMs: number): number {
    let count = 0
    for (const untilMs of this.#untilMs.values()) if (untilMs > nowMs) count++
    return count
  }

  has(device: string): boolean {
    return this.#untilMs.has(device)
  }

  /** Pauses the device until this time. True: it replaced another device whose pause was not over. */
  pause(device: string, untilMs: number, nowMs: number): boolean {
    this.#untilMs.delete(device)
    this.#untilMs.set(device, untilMs)
    if (this.#untilMs.size <= this.#maxDevices) return false
    for (const [oldest, oldestUntilMs] of this.#untilMs) {
      this.#untilMs.delete(oldest)
      return oldestUntilMs > nowMs
    }
    return false
  }

  /** How long the pause of the device still lasts; 0 or less: it is not paused. */
  leftMs(device: string, nowMs: number): number {
    return (this.#untilMs.get(device) ?? nowMs) - nowMs
  }

  /** The provider accepted a push to the device. */
  delivered(device: string): void {
    this.#untilMs.delete(device)
  }
}
