/**
 * Devices that their provider has had enough of for a while: nothing goes out to them until then, and to all others as
 * ever. Remembered until something is delivered to them, `maxDevices` at most: past it the one that was paused longest
 * ago is forgotten, and pushed to.
 */
export class PausedDevices {
  readonly #maxDevices: number
  /** When each pause is over, in the order in which they began. Monotonic. */
  readonly #untilMs = new Map<string, number>()

  constructor(maxDevices: number) {
    this.#maxDevices = maxDevices
  }

  /** The usual case, which spares naming devices. */
  get none(): boolean {
    return this.#untilMs.size === 0
  }

  /** How many wait at this time. */
  count(nowMs: number): number {
    let count = 0
    for (const untilMs of this.#untilMs.values()) if (untilMs > nowMs) count++
    return count
  }

  has(device: string): boolean {
    return this.#untilMs.has(device)
  }

  /** Until when nothing is to go to the device. True: another one was forgotten that still had to wait. */
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

  /** How long the device is to be left alone; 0 or less: it is not. */
  leftMs(device: string, nowMs: number): number {
    return (this.#untilMs.get(device) ?? nowMs) - nowMs
  }

  /** The provider took a push to the device. */
  delivered(device: string): void {
    this.#untilMs.delete(device)
  }
}
