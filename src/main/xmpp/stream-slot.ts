// It is over 300 lines: the interface of its domain is here, too, and it is one state machine.

import type { Element } from '../../core/xml/element.ts'
import type { StreamStateName } from '../metrics/table.ts'
import {
  ComponentStream,
  type DetachedStream,
  type NextOwner,
  type StreamLimit,
  type StreamOwner,
  type StreamSetup,
} from './component-stream.ts'
import { planReconnect, type ReconnectLimits, type ReconnectPlan } from './reconnect-policy.ts'
import type { StreamLoss } from './stream-loss.ts'

/** What `/admin` shows of one stream. */
export interface StreamState {
  /** From 0 to `connections` - 1. */
  readonly stream: number
  /** `waiting`: between two attempts; `standby`: the server takes no stream beside the one that is up. */
  readonly state: StreamStateName
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
  /** Why the last stream was lost or refused, also when another one is up since. */
  readonly lastError: string | undefined
}

/** A stream over which nothing comes, not even its ping, is given up within this time more; see `giveUpSoon`. */
const silentMs = 2_000
/** Up to what a server that only is slow may need: 32 s. */
const mostSilenceDoublings = 4

/** The domain that a slot belongs to. */
export interface SlotHost {
  readonly reconnect: ReconnectLimits
  readonly random: () => number
  /**
   * Asked once for every attempt; all but a slot's first are reconnects. `timeouts`: handshakes of the slot in a row that
   * timed out.
   */
  nextSetup(isReconnect: boolean, timeouts: number): StreamSetup
  /** Whether the slot may connect now; if not, `connectIfDue` is called later. Its turn ends with `slotUp` or `slotLost`. */
  takeTurn(slot: StreamSlot): boolean
  /** Streams of the domain that are up; one that is being lost does not count. */
  readonly streamsUp: number
  slotUp(slot: StreamSlot, how: 'connected' | 'taken over'): void
  /** The slot is no longer up, if it was; `plan` says when it tries again, undefined for a stopped one. */
  slotLost(slot: StreamSlot, loss: StreamLoss, wasUp: boolean, plan: ReconnectPlan | undefined): void
  /** The ping after the slot's handshake did not come back in time. */
  slotSilent(slot: StreamSlot): void
  slotReadSlowly(slot: StreamSlot, bytesPerSecond: number): void
  stanza(stanza: Element, answerTo: ComponentStream): void
  send(stanza: string): boolean
  answerQuery(stanza: string, written: (() => void) | undefined): boolean
  limitHit(limit: StreamLimit): void
}

/**
 * The place of one stream in its domain: opens a stream, and after each loss another one, until it is stopped.
 *
 *   waiting ──delay is over, and it is its turn──▶ connecting ──▶ up
 *      ▲                                               │          │
 *      └────────────────── loss ───────────────────────┴──────────┘
 *   standby (a conflict while another is up) ──none is up──▶ waiting
 */
export class StreamSlot implements StreamOwner {
  readonly index: number
  readonly #host: SlotHost
  /** The stream that connects, is up, or was up when the slot was stopped. */
  #stream: ComponentStream | undefined
  #state: StreamState['state'] = 'waiting'
  #sinceMs = Date.now()
  #lastLoss: StreamLoss | undefined
  /** Losses in a row, with no stream between them that lasted. */
  #losses = 0
  /** When the first of them was, on `performance.now()`. */
  #lostSinceMs = 0
  /** Streams in a row over which nothing came. */
  #silences = 0
  /** Handshakes in a row that timed out. */
  #timeouts = 0
  #attempted = false
  /** The delay is over. */
  #isDue = false
  #paused = false
  /** The timer is the end of a stream over which nothing comes. */
  #isGivingUp = false
  #timer: NodeJS.Timeout | undefined

  constructor(index: number, host: SlotHost) {
    this.index = index
    this.#host = host
  }

  /** The stream, while it is up. A stopped slot's stream may still be. */
  get stream(): ComponentStream | undefined {
    return this.#stream?.up === true ? this.#stream : undefined
  }

  isIn(state: StreamStateName): boolean {
    return this.#state === state
  }

  state(): StreamState {
    return {
      stream: this.index,
      state: this.#state,
      sinceMs: this.#sinceMs,
      lastError: this.#lastLoss?.text,
    }
  }

  /** Connects for the first time. */
  start(): void {
    this.#connectIn(0)
  }

  /** Goes on with a stream that is up, in place of its first connection. */
  goOnWith(handedOverStream: DetachedStream): void {
    const setup = { ...this.#host.nextSetup(false, 0), pingId: handedOverStream.progress.pingId }
    this.#attempted = true
    this.#stream = new ComponentStream(setup, this, handedOverStream)
    if (this.#paused) this.#stream.pause()
    this.#become('up')
    this.#host.slotUp(this, 'taken over')
  }

  /** Another slot's stream came up: what was a conflict with nobody of ours is none any more. */
  anotherIsUp(): void {
    if (this.#state !== 'waiting' || this.#lastLoss?.cause !== 'conflict') return
    const { reconnect, random } = this.#host
    this.#losses = 0
    this.#follow(
      planReconnect(
        { cause: 'conflict', wasUp: false, attempt: 0, lostForMs: 0, othersUp: true },
        reconnect,
        random(),
      ),
    )
  }

  /** The last stream of the domain was lost: a standby is needed now. */
  noneIsUp(): void {
    if (this.#state !== 'standby') return
    this.#become('waiting')
    this.#connectIn(0)
  }

  /** Waits no longer for its next attempt, if it does. */
  connectNow(): void {
    if (this.#state === 'waiting') this.#connectIn(0)
  }

  /** It is the slot's turn, if it waited for that. */
  connectIfDue(): void {
    if (this.#isDue) this.#connect()
  }

  /** Gives the stream up, whatever its state, because the server routes nothing over it any more. Whether there was one. */
  giveUp(loss: StreamLoss): boolean {
    const stream = this.#stream
    if (stream === undefined || this.#state === 'stopped') return false
    void stream.close()
    this.streamLost(stream, loss)
    return true
  }

  /**
   * The same, if no ping comes back before: each time in a row after a pause twice as long. By chance, so that of two daemons
   * whose streams keep each other from getting anything one gives way.
   */
  giveUpSoon(loss: StreamLoss): void {
    if (this.#isGivingUp) return
    this.#isGivingUp = true
    clearTimeout(this.#timer)
    const longestMs = silentMs * 2 ** Math.min(this.#silences++, mostSilenceDoublings)
    this.#timer = setTimeout(() => this.giveUp(loss), longestMs * this.#host.random())
  }

  /** A ping with this id came back, or its result. */
  pingSeen(id: string): void {
    if (this.#stream?.pingSeen(id)) this.#stopGivingUp()
  }

  pause(): void {
    this.#paused = true
    this.#stream?.pause()
  }

  resume(): void {
    if (this.#state === 'stopped') return
    this.#paused = false
    this.#stream?.resume()
  }

  /** No reads and no attempts any more. A stream that is up still sends. */
  stop(): void {
    if (this.#state === 'stopped') return
    clearTimeout(this.#timer)
    this.#isDue = false
    if (this.stream === undefined) void this.#stream?.close()
    else this.pause()
    this.#become('stopped')
  }

  /** Stops, with the stream read to the end of the stanza at hand; whether there is one that can be given away then. */
  halt(): Promise<boolean> {
    this.stop()
    return this.stream?.halt() ?? Promise.resolve(false)
  }

  /** Gives the halted stream away, as `ComponentStream.detach`. */
  detach(to: NextOwner): DetachedStream | undefined {
    return this.stream?.detach(to)
  }

  /** Ends the stream of a stopped slot. */
  async close(): Promise<void> {
    await this.#stream?.close()
  }

  streamUp(): void {
    this.#timeouts = 0
    this.#silences = 0
    this.#stopGivingUp()
    this.#become('up')
    this.#host.slotUp(this, 'connected')
  }

  stanza(stanza: Element, stream: ComponentStream): void {
    this.#host.stanza(stanza, stream)
  }

  streamLost(_stream: ComponentStream, loss: StreamLoss): void {
    const { reconnect, random } = this.#host
    this.#stream = undefined
    this.#lastLoss = loss
    this.#stopGivingUp()
    if (loss.cause === 'timeout') this.#timeouts++
    if (this.#state === 'stopped') {
      this.#host.slotLost(this, loss, true, undefined)
      return
    }
    const wasUp = this.#state === 'up'
    if (wasUp && Date.now() - this.#sinceMs >= reconnect.capMs) this.#losses = 0
    const nowMs = performance.now()
    if (this.#losses === 0) this.#lostSinceMs = nowMs
    const othersUp = this.#host.streamsUp > 0
    const plan = planReconnect(
      { cause: loss.cause, wasUp, attempt: this.#losses, lostForMs: nowMs - this.#lostSinceMs, othersUp },
      reconnect,
      random(),
    )
    this.#losses = plan.state === 'standby' ? 0 : this.#losses + 1
    this.#follow(plan)
    this.#host.slotLost(this, loss, wasUp, plan)
  }

  streamSilent(): void {
    this.#host.slotSilent(this)
  }

  readSlowly(_stream: ComponentStream, bytesPerSecond: number): void {
    this.#host.slotReadSlowly(this, bytesPerSecond)
  }

  sendElsewhere(stanza: string): boolean {
    return this.#host.send(stanza)
  }

  answerElsewhere(stanza: string, written: (() => void) | undefined): boolean {
    return this.#host.answerQuery(stanza, written)
  }

  limitHit(limit: StreamLimit): void {
    this.#host.limitHit(limit)
  }

  #follow({ state, delayMs }: ReconnectPlan): void {
    this.#become(state)
    if (delayMs === undefined) clearTimeout(this.#timer)
    else this.#connectIn(delayMs)
  }

  #connectIn(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#isDue = false
    this.#timer = setTimeout(() => this.#connect(), delayMs)
  }

  #connect(): void {
    this.#isDue = !this.#host.takeTurn(this)
    if (this.#isDue) return
    this.#become('connecting')
    this.#stream = new ComponentStream(this.#host.nextSetup(this.#attempted, this.#timeouts), this)
    if (this.#paused) this.#stream.pause()
    this.#attempted = true
  }

  #stopGivingUp(): void {
    if (!this.#isGivingUp) return
    this.#isGivingUp = false
    clearTimeout(this.#timer)
  }

  #become(state: StreamState['state']): void {
    if (this.#state === state) return
    this.#state = state
    this.#sinceMs = Date.now()
  }
}
