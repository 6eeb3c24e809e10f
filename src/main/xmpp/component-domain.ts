// It is over 300 lines: all that the streams of a domain share is in one place, and what can stand alone of it does.

import type { SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import type { Element } from '../../core/xml/element.ts'
import { escapeXml } from '../../core/xml/escape.ts'
import { PrunedElement } from '../../core/xml/pruned-element.ts'
import type { StreamScope } from '../../core/xmpp-servers.ts'
import { type Address, isLocal, requireAddress } from '../address.ts'
import type { CounterFamily } from '../metrics/family.ts'
import { type Metrics, type StreamStateName, streamStates } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import type { ComponentOptions } from './component-options.ts'
import type {
  ComponentStream,
  HandedOverStream,
  NextOwner,
  StreamLimit,
  StreamSetup,
} from './component-stream.ts'
import { ConnectTurns } from './connect-turns.ts'
import type { LossReport } from './loss-report.ts'
import { secureContextOf } from './open-socket.ts'
import type { StanzaHandler } from './ports.ts'
import { handshakeTimeMs, type ReconnectLimits, type ReconnectPlan } from './reconnect-policy.ts'
import { StreamGuard } from './stream-guard.ts'
import { StreamLog } from './stream-log.ts'
import type { StreamLoss } from './stream-loss.ts'
import { type SlotHost, StreamSlot, type StreamState } from './stream-slot.ts'

export type { ComponentOptions, StreamState }

export interface DomainPorts {
  /** The addresses that the streams may carry, at first. */
  readonly scope: StreamScope
  readonly log: Logger
  readonly metrics: Metrics
  readonly losses: LossReport
  /** From 0 to below 1. */
  readonly random: () => number
}

const none: ReadonlyMap<number, HandedOverStream> = new Map()

/** Ids of pings begin with it, whichever daemon sends them: all of a domain's answer each other's. */
const pingIdPrefix = 'xmpp-pushd-ping-'

/**
 * All streams of one domain. What comes in on any of them goes to the handler; what goes out takes the
 * stream that it answers on, or any.
 *
 * Pings from the domain to itself never reach the handler. The server may return them on any of the
 * domain's streams, so it is here that they are answered and put to the stream that sent them.
 */
export class ComponentDomain implements SlotHost {
  readonly reconnect: ReconnectLimits
  readonly random: () => number
  readonly #options: ComponentOptions
  #handler: StanzaHandler | undefined
  /** Stanzas that came before there was a handler: not more than was read at once. */
  #early: { readonly stanza: Element; readonly answerTo: ComponentStream }[] = []
  /** Slots whose first attempt has not ended. */
  readonly #untried = new Set<StreamSlot>()
  readonly #firstAttempts = Promise.withResolvers<void>()
  readonly #guard: StreamGuard
  readonly #log: Logger
  readonly #streamLog: StreamLog
  readonly #address: Address
  readonly #secureContext: SecureContext | undefined
  readonly #slots: StreamSlot[] = []
  /** The domain as servers write it into `from`. */
  readonly #self: string
  readonly #pingId: string
  #setups = 0
  #isStarted = false
  readonly #turns = new ConnectTurns<StreamSlot>()
  #lastLoss: StreamLoss | undefined

  readonly #iqs: Tally
  readonly #messages: Tally
  readonly #presences: Tally
  readonly #others: Tally
  readonly #unsendable: Tally
  readonly #reconnects: Tally
  readonly #streamsLost: CounterFamily
  readonly #limitsHit: CounterFamily
  readonly #losses: LossReport

  /**
   * @throws {SyntaxError} when `options.server` is no address.
   * @throws {Error} when `options.tls.ca` holds no certificate.
   */
  constructor(options: ComponentOptions, ports: DomainPorts) {
    const { domain, tls } = options
    this.#options = options
    this.#self = domain.toLowerCase()
    this.random = ports.random
    this.#log = ports.log.child({ domain, server: options.server })
    this.#streamLog = new StreamLog(this.#log)
    this.#address = requireAddress(options.server)
    this.#secureContext = tls === undefined ? undefined : secureContextOf(tls.ca)
    this.reconnect = {
      isLocal: isLocal(this.#address),
      baseMs: options.reconnectBaseMs,
      capMs: options.reconnectCapMs,
      standbyMs: options.standbyMs,
    }
    this.#pingId = `${pingIdPrefix}${ports.random().toString(36).slice(2)}-`

    const { metrics } = ports
    this.#iqs = metrics.stanzas.child(domain, 'iq')
    this.#messages = metrics.stanzas.child(domain, 'message')
    this.#presences = metrics.stanzas.child(domain, 'presence')
    this.#others = metrics.stanzas.child(domain, 'other')
    this.#unsendable = metrics.stanzasDropped.child(domain, 'no-stream')
    this.#reconnects = metrics.componentReconnects.child(domain)
    this.#streamsLost = metrics.componentStreamsLost
    this.#limitsHit = metrics.limitsHit
    this.#guard = new StreamGuard(ports.scope, {
      foreignFrom: metrics.stanzasDropped.child(domain, 'foreign-from'),
      foreignTo: metrics.stanzasDropped.child(domain, 'foreign-to'),
      log: this.#log,
      monotonicMs: () => performance.now(),
    })
    this.#losses = ports.losses
    metrics.componentConnected.read(() => this.streamsUp, domain)
    metrics.componentReadDelay.read(() => this.#longestReadDelayMs() / 1000, domain)
    for (const state of streamStates) {
      metrics.componentStreams.read(() => this.#streamsIn(state), domain, state)
    }

    for (let i = 0; i < options.connections; i++) {
      const slot = new StreamSlot(i, this)
      this.#slots.push(slot)
      this.#untried.add(slot)
    }
  }

  /** Changes the addresses that the streams may carry, from the next stanza on. */
  set scope(scope: StreamScope) {
    this.#guard.scope = scope
  }

  /** Resolves when each stream is up, or has failed once. */
  get firstAttempts(): Promise<void> {
    return this.#firstAttempts.promise
  }

  /** Gives the handler all stanzas from now on, and those that came before: until then no more are read than came at once. */
  handleBy(handler: StanzaHandler): void {
    this.#handler = handler
    // First: the handler may want the reading to pause.
    if (this.#early.length > 0) this.resumeReading()
    for (const { stanza, answerTo } of this.#early.splice(0)) this.#handle(handler, stanza, answerTo)
  }

  /**
   * Connects, and goes on connecting until `stopReading` or `close`. Returns at once. `handedOver`: streams that are up, by
   * their place, to go on with. Once started, what waits for its next attempt connects at once.
   */
  start(handedOver: ReadonlyMap<number, HandedOverStream> = none): void {
    if (this.#isStarted) {
      for (const slot of this.#slots) slot.connectNow()
      return
    }
    this.#isStarted = true
    for (const { answersAll } of handedOver.values()) if (!answersAll) this.#guard.answersNoMore()
    for (const slot of this.#slots) {
      const handedOverStream = handedOver.get(slot.index)
      if (handedOverStream === undefined) slot.start()
      else slot.goOnWith(handedOverStream)
    }
  }

  /**
   * As `stopReading`, but the streams are read to the end of the stanza at hand, and can be given away then. Resolves when all
   * are there, or after `withinMs`.
   */
  async halt(withinMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, withinMs)
    await Promise.race([late, Promise.all(this.#slots.map((slot) => slot.halt()))])
    clearTimeout(timer)
  }

  /** Gives the stream at this place away, as `ComponentStream.detach`. */
  detach(place: number, to: NextOwner): HandedOverStream | undefined {
    const detached = this.#slots[place]?.detach(to)
    return detached && { ...detached, answersAll: this.#guard.answers }
  }

  get streamsUp(): number {
    let count = 0
    for (const slot of this.#slots) if (slot.stream !== undefined) count++
    return count
  }

  /** The places of those streams. */
  get placesUp(): readonly number[] {
    return this.#slots.filter(({ stream }) => stream !== undefined).map(({ index }) => index)
  }

  /** Why no stream of the domain is up, for people; undefined while one is. */
  get fault(): string | undefined {
    if (this.streamsUp > 0) return undefined
    return this.#lastLoss?.text ?? 'not connected yet'
  }

  state(): readonly StreamState[] {
    return this.#slots.map((slot) => slot.state())
  }

  /** Sends a complete stanza on any stream that is up. False when there is none: the stanza is gone, and counted. */
  send(stanza: string): boolean {
    for (const slot of this.#slots) if (slot.stream?.trySend(stanza) === true) return true
    this.#unsendable.add(1)
    return false
  }

  /** The same for an answer to a query, on the first stream that is up: dropped, and counted, when much is unsent there. */
  answerQuery(stanza: string, written: (() => void) | undefined): boolean {
    const stream = this.#slots.find((slot) => slot.stream?.up === true)?.stream
    if (stream !== undefined) return stream.answerQuery(stanza, written)
    this.#unsendable.add(1)
    return false
  }

  /** Back-pressure: leaves what the servers send in their sockets, until `resumeReading`. */
  pauseReading(): void {
    for (const slot of this.#slots) slot.pause()
  }

  resumeReading(): void {
    for (const slot of this.#slots) slot.resume()
  }

  /** Begins to stop: no reads and no new streams any more, for good; answers still go out. */
  stopReading(): void {
    for (const slot of this.#slots) slot.stop()
  }

  /** Ends every stream, with all that was sent before. Resolves when the sockets are closed; never rejects. */
  async close(): Promise<void> {
    this.stopReading()
    await Promise.all(this.#slots.map((slot) => slot.close()))
  }

  nextSetup(isReconnect: boolean, timeouts: number): StreamSetup {
    if (isReconnect) this.#reconnects.add(1)
    const { handshakeTimeoutMs, handshakeTimeoutCapMs } = this.#options
    return {
      options: this.#options,
      address: this.#address,
      secureContext: this.#secureContext,
      handshakeTimeoutMs: handshakeTimeMs(timeouts, handshakeTimeoutMs, handshakeTimeoutCapMs),
      pingId: `${this.#pingId}${this.#setups++}-`,
    }
  }

  takeTurn(slot: StreamSlot): boolean {
    return this.#turns.take(slot)
  }

  stanza(stanza: Element, answerTo: ComponentStream): void {
    this.#turns.received++
    if (stanza instanceof PrunedElement) this.#losses.note(stanza)
    switch (stanza.name) {
      case 'iq':
        this.#iqs.add(1)
        if (this.#takePing(stanza, answerTo)) return
        break
      case 'message':
        this.#messages.add(1)
        break
      case 'presence':
        this.#presences.add(1)
        break
      default:
        // Not a stanza (RFC 6120 §8): there is nobody to hand it to.
        this.#others.add(1)
        return
    }
    if (!this.#guard.admits(stanza, answerTo)) return
    if (this.#handler === undefined) {
      this.#early.push({ stanza, answerTo })
      this.pauseReading()
    } else this.#handle(this.#handler, stanza, answerTo)
  }

  #handle(handler: StanzaHandler, stanza: Element, answerTo: ComponentStream): void {
    try {
      handler(this.#options.domain, stanza, answerTo)
    } catch (error) {
      // A bug, and one stanza's: the others of the stream do not pay for it.
      this.#log.error({ err: error }, 'a stanza could not be handled')
    }
  }

  slotUp(slot: StreamSlot, how: 'connected' | 'taken over'): void {
    this.#streamLog.up(slot.index, how)
    this.#tried(slot)
    for (const other of this.#slots) if (other !== slot) other.anotherIsUp()
    this.#endTurn(slot)
  }

  /**
   * The server has accepted the slot's stream, and nothing comes over it nor over the domain's others: they are closed, so
   * that the server has only this one. A server that is only slow sends something over the others.
   */
  slotSilent(slot: StreamSlot): void {
    if (!this.#turns.isSilent()) return
    const loss: StreamLoss = { cause: 'network', text: 'the server routes nothing to the domain' }
    const others = this.#slots.filter((other) => other !== slot && other.giveUp(loss))
    // Another daemon's stream, then.
    if (others.length === 0) slot.giveUpSoon(loss)
  }

  slotReadSlowly(slot: StreamSlot, bytesPerSecond: number): void {
    this.#log.warn(
      { stream: slot.index, bytesPerSecond },
      'the server is slow to read, so answers are late: remove the shaper from its component listener',
    )
  }

  slotLost(slot: StreamSlot, loss: StreamLoss, wasUp: boolean, plan: ReconnectPlan | undefined): void {
    this.#lastLoss = loss
    this.#streamsLost.child(this.#options.domain, loss.cause).add(1)
    this.#tried(slot)
    if (loss.cause === 'invalid-from') this.#guard.answersNoMore()
    this.#streamLog.lost(slot.index, loss, wasUp, plan)
    if (this.streamsUp === 0) for (const other of this.#slots) if (other !== slot) other.noneIsUp()
    this.#endTurn(slot)
  }

  limitHit(limit: StreamLimit): void {
    this.#limitsHit.child(limit).add(1)
  }

  #tried(slot: StreamSlot): void {
    this.#untried.delete(slot)
    if (this.#untried.size === 0) this.#firstAttempts.resolve()
  }

  #endTurn(slot: StreamSlot): void {
    if (!this.#turns.end(slot)) return
    for (const next of this.#slots) next.connectIfDue()
  }

  #longestReadDelayMs(): number {
    return Math.max(...this.#slots.map(({ stream }) => stream?.readDelayMs ?? 0))
  }

  #streamsIn(state: StreamStateName): number {
    let count = 0
    for (const slot of this.#slots) if (slot.isIn(state)) count++
    return count
  }

  /**
   * Takes an IQ that belongs to a ping; a `get` is answered. An answer may come from any address: a server that lets no
   * component send to itself answers with an error of its own, and lives. False when it belongs to none.
   */
  #takePing(iq: Element, answerTo: ComponentStream): boolean {
    const id = iq.attr('id')
    if (id === undefined || !id.startsWith(pingIdPrefix)) return false
    const type = iq.attr('type')
    const isAnswer = type === 'result' || type === 'error'
    if (!isAnswer && (type !== 'get' || iq.attr('from') !== this.#self)) return false
    for (const slot of this.#slots) slot.pingSeen(id)
    if (isAnswer) return true
    const domain = escapeXml(this.#options.domain)
    answerTo.send(`<iq type='result' id='${escapeXml(id)}' from='${domain}' to='${domain}'/>`)
    return true
  }
}
