/**
 * Publishes to virtual hosts of ours that there is no room for, of messages that were told of over XMPP: nobody tells
 * of those again. Without room the streams of the domain that they came in on are not read, so that there are no more of
 * them than what had been read by then leads to. With room they go first, in their order; then the streams are read again.
 */
import type { PublishSink } from '../app-server/publish-end.ts'
import type { PublishInput } from '../app-server/publish-input.ts'

export interface HeldPublishPorts {
  /** Whether there is room for what came in on this domain. If not, `holdBack` was called, and `release` will be. */
  readonly hasRoom: (domain: string) => boolean
  /** Never throws. */
  readonly publishHere: (input: PublishInput, from: string, sink: PublishSink) => void
}

interface HeldPublish {
  readonly input: PublishInput
  readonly sink: PublishSink
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

  /** `from`: where its event came in, or '': whoever told of it hears that there is no room. Never throws. */
  publish(input: PublishInput, from: string, sink: PublishSink): void {
    const waits = from !== '' && (this.#held.has(from) || !this.#ports.hasRoom(from))
    if (!waits || this.#stopped || this.#count >= maxHeld) {
      this.#ports.publishHere(input, from, sink)
      return
    }
    const held = this.#held.get(from)
    if (held === undefined) this.#held.set(from, [{ input, sink }])
    else held.push({ input, sink })
    this.#count++
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
    for (const { input, sink } of held) {
      if (!goesOn()) break
      this.#ports.publishHere(input, domain, sink)
      taken++
    }
    this.#count -= taken
    if (taken === held.length) this.#held.delete(domain)
    else held.splice(0, taken)
  }
}
