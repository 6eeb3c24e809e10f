/** One stream of a run's XMPP server: the server end of XEP-0114, which takes any secret. */
import type { Socket } from 'node:net'
import { attributeOf, StanzaSplitter } from './stanza-splitter.ts'

export interface SourceStreamEvents {
  opened(stream: SourceStream): void
  /** A complete stanza from the component. */
  stanza(stream: SourceStream, xml: string): void
  /** Once, whether it was open or not. */
  closed(stream: SourceStream): void
  fault(kind: string, text: string): void
}

/** How publishes are written: as they come, each byte by itself, or only in full 64 KiB. */
export type WritingStyle = 'whole' | 'bytes' | 'bursts'

const burstBytes = 65_536

export class SourceStream {
  /** From 1, never used again. */
  readonly number: number
  isOpen = false
  /** A peer that is there and does nothing: half-open. */
  isDeaf = false
  /** Publishes without an answer. */
  unanswered = 0
  readonly #socket: Socket
  readonly #events: SourceStreamEvents
  #waiting: Buffer[] = []
  #trickling = false

  constructor(number: number, socket: Socket, events: SourceStreamEvents) {
    this.number = number
    this.#socket = socket
    this.#events = events
    socket.setNoDelay(true)
    const splitter = new StanzaSplitter({
      header: (tag) => {
        const domain = attributeOf(tag, 'to') ?? ''
        socket.write(
          "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' " +
            `xmlns='jabber:component:accept' from='${domain}' id='run-${number}'>`,
        )
      },
      element: (xml, name) => this.#element(xml, name),
      end: () => socket.end('</stream:stream>'),
      garbage: (text) => events.fault('what the daemon sent is not XML', text),
    })
    socket.on('data', (chunk: Buffer) => {
      if (!this.isDeaf) splitter.write(chunk)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.isOpen = false
      events.closed(this)
    })
  }

  /** Bytes written and not yet taken by the system: the daemon does not read as fast. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  write(text: string, style: WritingStyle): void {
    if (this.isDeaf || this.#socket.destroyed) return
    if (style === 'whole' && this.#waiting.length === 0 && !this.#trickling) {
      this.#socket.write(text)
      return
    }
    // Behind what waits, which may end within a stanza.
    this.#waiting.push(Buffer.from(text))
    if (style === 'bytes') void this.#trickle()
    else if (!this.#trickling) this.#burst(burstBytes)
  }

  /** What waits for a full burst goes as it is. */
  writeOut(): void {
    if (!this.#trickling) this.#burst(0)
  }

  /** Without a word. */
  cut(): void {
    this.#socket.destroy()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** With a stream error (RFC 6120 §4.9.3). */
  fail(condition: string): void {
    this.#socket.end(
      `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
    )
  }

  #element(xml: string, name: string): void {
    if (name === 'handshake' && !this.isOpen) {
      this.isOpen = true
      this.#socket.write('<handshake/>')
      this.#events.opened(this)
    } else if (name === 'stream:error') this.#events.fault('the daemon sent a stream error', xml)
    else this.#events.stanza(this, xml)
  }

  #burst(bytes: number): void {
    let waiting = Buffer.concat(this.#waiting)
    while (waiting.length > 0 && waiting.length >= bytes) {
      const length = bytes === 0 ? waiting.length : bytes
      this.#socket.write(waiting.subarray(0, length))
      waiting = waiting.subarray(length)
    }
    this.#waiting = waiting.length === 0 ? [] : [waiting]
  }

  async #trickle(): Promise<void> {
    if (this.#trickling) return
    this.#trickling = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (let at = 0; at < next.length && !this.#socket.destroyed; at++) {
        this.#socket.write(next.subarray(at, at + 1))
        // The next one in a segment of its own.
        await new Promise(setImmediate)
      }
    }
    this.#trickling = false
  }
}
