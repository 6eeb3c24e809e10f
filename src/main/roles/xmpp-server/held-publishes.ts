/**
 * Publishes to virtual hosts of ours that there is no room for, of messages that were told of over XMPP: nobody tells
 * of those again. Without room the streams of the domain that they came in on are not read, so that there are no more of
 * them than what had been read by then leads to. With room they go first, in their order; then the streams are read again.
 */
import type { PublishInput } from '../app-server/publish-input.ts'
import type { PublishHereEnd } from './publisher.ts'

export interface HeldPublishPorts {
  /** Whether there is room for what came in on this domain. If not, `holdBack` was called, and `release` will be. */
  readonly hasRoom: (domain: string) => boolean
  /** Never rejects. */
  readonly publishHere: (input: PublishInput, from: string) => Promise<PublishHereEnd | undefined>
}

interface HeldPublish {
  readonly input: PublishInput
  readonly resolve: (end: Promise<PublishHereEnd | undefined>) => void
}

/** A few kilobytes each. What comes beyond it takes its chance as if nothing could be held. */
const maxHeld = 10_000

export class HeldPublishes {
  readonly #ports: HeldPublishPorts
  /** By the domain that they came in on; no empty lists. */
  readonly #held = new Map<string, HeldPublish[]>()
  #count = 0
  readonly #heldBack = new Set<string>()
  #stopped = false

  constructor(ports: HeldPublishPorts) {
    this.#ports = ports
  }

  /** `from`: where its event came in, or '': whoever told of it hears that there is no room. Never rejects. */
  publish(input: PublishInput, from: string): Promise<PublishHereEnd | undefined> {
    const waits = from !== '' && (this.#held.has(from) || !this.#ports.hasRoom(from))
    if (!waits || this.#stopped || this.#count >= maxHeld) return this.#ports.publishHere(input, from)
    const { promise, resolve } = Promise.withResolvers<PublishHereEnd | undefined>()
    const held = this.#held.get(from)
    if (held === undefined) this.#held.set(from, [{ input, resolve }])
    else held.push({ input, resolve })
    this.#count++
    return promise
  }

  /** The domain's streams are not read from now on. */
  holdBack(domain: string): void {
    this.#heldBack.add(domain)
  }

  /** The domain's streams are no longer held back. `goOn`: they may be read. */
  release(domain: string, goOn: () => void): void {
    this.#heldBack.delete(domain)
    if (!this.#held.has(domain)) {
      goOn()
      return
    }
    // Not from within what made the room.
    setImmediate(() => {
      this.#publishHeld(domain, () => this.#ports.hasRoom(domain))
      if (!this.#held.has(domain) && !this.#heldBack.has(domain)) goOn()
    })
  }

  /** From now on nothing waits: what does is published, as far as there is room. */
  stop(): void {
    this.#stopped = true
    for (const domain of [...this.#held.keys()]) this.#publishHeld(domain, () => true)
  }

  #publishHeld(domain: string, goesOn: () => boolean): void {
    const held = this.#held.get(domain) ?? []
    let taken = 0
    for (const { input, resolve } of held) {
      if (!goesOn()) break
      resolve(this.#ports.publishHere(input, domain))
      taken++
    }
    this.#count -= taken
    if (taken === held.length) this.#held.delete(domain)
    else held.splice(0, taken)
  }
}
