// It is over 300 lines: it is one state machine, and all that can stand alone of it does.

import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { isTooLargeToSend } from '../../core/stanza.ts'
import type { Element } from '../../core/xml/element.ts'
import type { Address } from '../address.ts'
import {
  ComponentHandshake,
  type HandshakeStep,
  headerToGoOn,
  streamHeader,
  streamNs,
} from './component-handshake.ts'
import type { ComponentOptions } from './component-options.ts'
import { Liveness, pingIq } from './liveness.ts'
import { openSocket, queuedBytesOf } from './open-socket.ts'
import { PacedReader } from './paced-reader.ts'
import type { StanzaSink } from './ports.ts'
import { ReadRate } from './read-rate.ts'
import { StanzaWriter } from './stanza-writer.ts'
import { type ParserLimit, renderStreamError, type StreamFault } from './stream-error.ts'
import { lossBySocketError, lossByStreamError, type StreamLoss } from './stream-loss.ts'
import { StreamParser } from './stream-parser.ts'

/** What one stream is opened with. */
export interface StreamSetup {
  readonly options: ComponentOptions
  readonly address: Address
  /** Direct TLS; undefined: none. */
  readonly secureContext: SecureContext | undefined
  /** From the first packet to the server's `<handshake/>`. */
  readonly handshakeTimeoutMs: number
  /** The ids of this stream's pings begin with it; they are no other stream's. */
  readonly pingId: string
}

/** What a stream that is up is beside its connection, between two stanzas: all that another process needs to go on with it. */
export interface StreamProgress {
  /** The server's header, as far as it says what the names of stanzas mean. */
  readonly header: string
  /** Read from the connection, and not yet parsed. */
  readonly unread: Buffer
  /** Sent, and not yet taken by the operating system: to be written first. */
  readonly unsent: Buffer
  /** The ids of the stream's pings begin with it; some of them may be under way. */
  readonly pingId: string
  /** How many there were. */
  readonly pings: number
}

/** A stream of another process, or of an earlier owner, to go on with. */
export interface HandedOverStream extends DetachedStream {
  /** Whether the server takes answers from all addresses of its own: false once it has ended a stream for one. */
  readonly answersAll: boolean
}

export interface DetachedStream {
  readonly socket: Socket
  readonly progress: StreamProgress
}

/** Who goes on with a connection. */
export type NextOwner = 'another process' | 'this process'

/** Bounds of one stream, by their names in the metrics. */
export type StreamLimit = ParserLimit | 'unsent_bytes' | 'unsent_queries' | 'sent_stanza_bytes'

/** Who opened the stream. Everything is called synchronously from the socket's events, in the order of the wire. */
export interface StreamOwner {
  /** A ping came back over it after the handshake. Before that, `stanza` may have been called. */
  streamUp(stream: ComponentStream): void
  /** The ping after the handshake did not come back in time; the stream goes on and waits for it. Each time that it waits longer. */
  streamSilent(stream: ComponentStream): void
  stanza(stanza: Element, stream: ComponentStream): void
  /** Once: what is sent waits for seconds, since the server reads no more than this. */
  readSlowly(stream: ComponentStream, bytesPerSecond: number): void
  /** Once, and the last call: the stream is lost or never came up. Not called after `close`. */
  streamLost(stream: ComponentStream, loss: StreamLoss): void
  /** The stream is gone, but has got one more stanza to send. False when nobody can. */
  sendElsewhere(stanza: string): boolean
  /** The same for an answer to a query. */
  answerElsewhere(stanza: string, written: (() => void) | undefined): boolean
  /** A limit was reached. */
  limitHit(limit: StreamLimit): void
}

/** How long TCP waits before it probes a silent connection: behind the pings, for a stream that is not read. */
const keepAliveDelayMs = 30_000
/** How long the first ping may take before `streamSilent`. */
const firstPingMs = 1_000
/** What is sent waits so long at the server before that is told. */
const slowMs = 2_000
const streamEnd = '</stream:stream>'
const nothing = Buffer.alloc(0)

/**
 * One XEP-0114 stream on one socket, for once: it connects, shakes hands, is tried with a ping, is up, and ends.
 *
 *   connecting ──socket open──▶ shaking-hands ──<handshake/>──▶ pinging ──the ping is back──▶ up
 *        └──────────────────────────┬┴──────────────────────────────┴─────────────────────────┘
 *                                   ▼ lost, or close()
 *                                closing ──both sides ended, or closeTimeoutMs──▶ closed
 *
 * While `pinging` it carries stanzas as when it is up: the server may send the first one together with `<handshake/>`. It is
 * not up before, because MongooseIM accepts two streams of a domain at one instant, and then routes nothing to either. A stream
 * that is paused meanwhile is up without that, and is tried when it is read again.
 *
 * While `closing` the socket is read and what it says ignored: a socket that is destroyed with unread
 * bytes takes back what was written last (TCP reset).
 *
 * A stream that is up can also go on in another process: `halt`, `detach`, and there a stream made with what `detach` gave.
 */
export class ComponentStream implements StanzaSink {
  readonly #setup: StreamSetup
  readonly #owner: StreamOwner
  readonly #socket: Socket
  readonly #reader: PacedReader
  readonly #parser: StreamParser
  readonly #handshake: ComponentHandshake
  readonly #writer: StanzaWriter
  readonly #liveness: Liveness
  readonly #readRate = new ReadRate(performance.now())
  #toldSlow = false
  #phase: 'connecting' | 'shaking-hands' | 'pinging' | 'up' | 'closing' | 'closed' = 'connecting'
  #header: Element | undefined
  #paused = false
  /** Whether a ping came back over it: else the server may route nothing to it. */
  #isProved = false
  #halt: PromiseWithResolvers<boolean> | undefined
  #pings = 0
  /** One at a time: the deadline of the handshake, the next step of liveness, the deadline of closing. */
  #timer: NodeJS.Timeout
  readonly #closed = Promise.withResolvers<void>()

  /** Starts to connect; with a stream that was handed over, goes on with that, and is up. */
  constructor(setup: StreamSetup, owner: StreamOwner, handedOver?: DetachedStream) {
    const { options, address, secureContext } = setup
    this.#setup = setup
    this.#owner = owner
    this.#handshake = new ComponentHandshake(options.secret)
    this.#liveness = new Liveness({ intervalMs: options.pingIntervalMs, timeoutMs: options.pingTimeoutMs })
    this.#parser = new StreamParser(
      {
        streamStart: (header) => this.#streamStart(header),
        stanza: (element) => this.#element(element),
        streamEnd: () => this.#streamEnd(),
        error: (fault) => this.#fault(fault),
      },
      options.limits,
    )
    const socket = handedOver?.socket ?? openSocket(address, secureContext, options.tls?.verify ?? true)
    this.#socket = socket
    this.#writer = new StanzaWriter(socket, options.maxUnsentBytes)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, keepAliveDelayMs)
    socket.once(secureContext === undefined ? 'connect' : 'secureConnect', () => this.#connected())
    this.#reader = new PacedReader(socket, (bytes) => this.#read(bytes), handedOver?.progress.unread)
    socket.once('end', () => this.#ended({ cause: 'network', text: 'the server closed the connection' }))
    socket.on('error', (error) => this.#ended(lossBySocketError(error)))
    socket.once('close', () => this.#socketClosed())
    this.#timer = setTimeout(() => this.#handshakeTimeout(), setup.handshakeTimeoutMs)
    if (handedOver !== undefined) this.#goOn(handedOver.progress)
  }

  get up(): boolean {
    return this.#phase === 'up'
  }

  /** How long what is sent now waits until the server reads it, as far as is known. */
  get readDelayMs(): number {
    return this.#readRate.delayMs(this.#writer.sent, performance.now())
  }

  /** Whether it carries stanzas. */
  get #isOpen(): boolean {
    return this.#phase === 'up' || this.#phase === 'pinging'
  }

  send(stanza: string): boolean {
    return this.trySend(stanza) || this.#owner.sendElsewhere(stanza)
  }

  answerQuery(stanza: string, written: (() => void) | undefined): boolean {
    if (!this.#isOpen) return this.#owner.answerElsewhere(stanza, written)
    if (this.#isTooLarge(stanza)) return false
    if (this.#writer.sendQueryAnswer(stanza, written)) return true
    this.#owner.limitHit('unsent_queries')
    return false
  }

  /** As `send`, but on this stream or not at all. True also for a stanza that no server would take: it is gone. */
  trySend(stanza: string): boolean {
    if (!this.#isOpen) return false
    if (this.#isTooLarge(stanza)) return true
    if (this.#writer.send(stanza)) return true
    this.#owner.limitHit('unsent_bytes')
    this.#lose({ cause: 'network', text: 'the server does not read what is sent to it' })
    return false
  }

  /** A ping with this id came back, or its result, on whichever stream: whether it is this one's. */
  pingSeen(id: string): boolean {
    if (!id.startsWith(this.#setup.pingId)) return false
    this.#isProved = true
    this.#liveness.answered()
    this.#readRate.answered(id, performance.now())
    this.#tellSlow()
    if (this.#phase === 'pinging') this.#becomeUp()
    return true
  }

  /** Reads no more until `resume`, but for what was handed over already. A handshake goes on. */
  pause(): void {
    this.#paused = true
    // The ping may be behind what is not read now.
    if (this.#phase === 'pinging') this.#becomeUp()
    else if (this.#phase === 'up') this.#reader.pause()
  }

  resume(): void {
    if (this.#halt !== undefined || !this.#paused) return
    this.#paused = false
    this.#excuse()
    this.#reader.resume()
    // Up since it could not be read: whether the server routes to it shows only now.
    if (this.#phase === 'up' && !this.#isProved) this.#askFirst()
  }

  /**
   * Reads on to the end of the stanza at hand, and no further, for good; answers still go out. Resolves to whether it came to
   * that: not when the stream is not up, or is lost before.
   */
  halt(): Promise<boolean> {
    if (this.#halt === undefined) {
      this.#halt = Promise.withResolvers()
      this.#paused = true
      if (this.#phase !== 'up') this.#halt.resolve(false)
      else if (this.#parser.isBetweenStanzas) this.#haltWith(nothing)
      else this.#reader.resume()
    }
    return this.#halt.promise
  }

  /**
   * Gives the connection of a halted stream away, without a word to the server. For another process the socket must be sent
   * there and destroyed in this turn of the event loop; in this one it goes on with what it was given to write. Undefined: it is
   * lost, or within a stanza, or cannot be given away (the state of TLS is in this process).
   */
  detach(to: NextOwner): DetachedStream | undefined {
    const queuedBytes = to === 'this process' ? 0 : queuedBytesOf(this.#socket)
    const isHalted = this.#phase === 'up' && this.#halt !== undefined && this.#parser.isBetweenStanzas
    if (!isHalted || this.#header === undefined || queuedBytes === undefined) return undefined
    const unsent = this.#writer.takeUnsent(queuedBytes)
    if (unsent === undefined) return undefined
    this.#phase = 'closed'
    clearTimeout(this.#timer)
    this.#closed.resolve()
    const progress = {
      header: headerToGoOn(this.#header),
      unread: this.#reader.takeRest(),
      unsent,
      pingId: this.#setup.pingId,
      pings: this.#pings,
    }
    return { socket: this.#socket, progress }
  }

  /**
   * Sends what is queued and `</stream:stream>`, and waits for the server to do the same, briefly. A
   * stream that is not up yet is dropped. Never rejects.
   */
  close(): Promise<void> {
    this.#beginClose(this.#isOpen || this.#phase === 'shaking-hands' ? streamEnd : undefined)
    return this.#closed.promise
  }

  /** The last resort: what is sent is bounded where it is made, but for what an id of a stranger's may come to. */
  #isTooLarge(stanza: string): boolean {
    const isTooLarge = isTooLargeToSend(stanza)
    if (isTooLarge) this.#owner.limitHit('sent_stanza_bytes')
    return isTooLarge
  }

  #connected(): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'shaking-hands'
    const { domain, serverKind } = this.#setup.options
    this.#socket.write(streamHeader(domain, serverKind))
  }

  #read(bytes: Uint8Array): void {
    this.#liveness.heard()
    if (this.#halt === undefined) this.#parser.write(bytes)
    else this.#readToHalt(bytes)
  }

  #readToHalt(bytes: Uint8Array): void {
    const rest = this.#parser.finishStanza(bytes)
    if (rest !== undefined && this.#phase === 'up') this.#haltWith(rest)
  }

  #haltWith(rest: Uint8Array): void {
    this.#reader.pauseBefore(rest)
    this.#halt?.resolve(true)
  }

  #goOn({ header, unsent, pings }: StreamProgress): void {
    this.#phase = 'up'
    this.#isProved = true
    this.#pings = pings
    this.#parser.write(Buffer.from(header))
    this.#writer.resume(unsent)
    this.#stepLater(this.#liveness.firstMs)
  }

  #streamStart(header: Element): void {
    this.#header = header
    if (this.#phase === 'shaking-hands') this.#handshakeStep(this.#handshake.streamStart(header))
  }

  #element(element: Element): void {
    if (this.#isOpen) {
      if (element.ns === streamNs && element.name === 'error') {
        this.#lose(lossByStreamError(element, true), streamEnd)
      } else {
        this.#owner.stanza(element, this)
      }
    } else if (this.#phase === 'shaking-hands') {
      this.#handshakeStep(this.#handshake.element(element))
    }
  }

  #handshakeStep(step: HandshakeStep): void {
    switch (step.kind) {
      case 'wait':
        return
      case 'send':
        this.#socket.write(step.xml)
        return
      case 'up':
        this.#pingFirst()
        return
      case 'refused':
        this.#lose(step.loss, streamEnd)
        return
      case 'fault':
        this.#fault(step.fault)
        return
      default:
        step satisfies never
    }
  }

  #pingFirst(): void {
    this.#phase = 'pinging'
    // The answer may be behind what is not read.
    if (this.#paused) {
      this.#becomeUp()
      return
    }
    this.#askFirst()
  }

  #askFirst(): void {
    if (this.#ping()) this.#stepLater(Math.min(firstPingMs, this.#liveness.asked()))
  }

  #becomeUp(): void {
    this.#phase = 'up'
    if (this.#paused) this.#reader.pause()
    this.#livenessStep()
    this.#owner.streamUp(this)
  }

  #stepLater(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#livenessStep(), delayMs)
  }

  #livenessStep(): void {
    // A stream that we do not read is silent by our own doing.
    if (this.#paused) {
      this.#excuse()
      this.#stepLater(this.#liveness.firstMs)
      return
    }
    if (!this.#isProved) this.#owner.streamSilent(this)
    this.#readRate.looked(
      this.#writer.sent,
      this.#writer.sent - this.#writer.unsent(queuedBytesOf(this.#socket)),
      performance.now(),
    )
    this.#tellSlow()
    const step = this.#liveness.step(this.#readRate.pingDelayMs)
    if (step.action === 'dead') {
      this.#lose({ cause: 'network', text: 'the server does not answer pings' })
      return
    }
    if (step.action === 'ping' && !this.#ping()) return
    this.#stepLater(step.nextMs)
  }

  /** False: the stream is lost. */
  #ping(): boolean {
    const id = `${this.#setup.pingId}${this.#pings++}`
    if (!this.trySend(pingIq(id, this.#setup.options.domain))) return false
    this.#readRate.pinged(id, this.#writer.sent, performance.now())
    return true
  }

  #excuse(): void {
    this.#liveness.excused()
    this.#readRate.excused()
  }

  #tellSlow(): void {
    const { bytesPerSecond } = this.#readRate
    if (this.#toldSlow || bytesPerSecond === undefined || this.readDelayMs < slowMs) return
    this.#toldSlow = true
    this.#owner.readSlowly(this, bytesPerSecond)
  }

  #streamEnd(): void {
    this.#lose({ cause: 'network', text: 'the server closed the stream' }, streamEnd)
    this.#socket.end()
  }

  #fault(fault: StreamFault): void {
    if (fault.limit !== undefined) this.#owner.limitHit(fault.limit)
    const loss: StreamLoss = { cause: 'network', text: `faulty stream (${fault.condition}: ${fault.text})` }
    this.#lose(loss, renderStreamError(fault) + streamEnd)
  }

  #ended(loss: StreamLoss): void {
    this.#reader.finish()
    this.#lose(loss)
  }

  #handshakeTimeout(): void {
    const text = this.#phase === 'connecting' ? 'no connection in time' : 'no answer to the handshake in time'
    this.#lose({ cause: 'timeout', text })
  }

  #socketClosed(): void {
    this.#lose({ cause: 'network', text: 'the connection was closed' })
    clearTimeout(this.#timer)
    this.#phase = 'closed'
    this.#closed.resolve()
  }

  #lose(loss: StreamLoss, farewell?: string): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#beginClose(farewell)
    this.#owner.streamLost(this, loss)
  }

  /** Without a farewell there is nobody to say it to: the socket is destroyed. */
  #beginClose(farewell: string | undefined): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#phase = 'closing'
    this.#halt?.resolve(false)
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (farewell === undefined || !socket.writable) {
      socket.destroy()
      return
    }
    this.#writer.end(farewell)
    this.#reader.resume()
    this.#timer = setTimeout(() => socket.destroy(), this.#setup.options.closeTimeoutMs)
  }
}
