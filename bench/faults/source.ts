/**
 * The XMPP server of a run: it sends publishes to the daemon over all its streams, at a rate and within a window of
 * unanswered ones, and writes down in the ledger what was sent and answered. A publish that no stream can take is
 * not accepted, and nobody's.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Latencies, type LatencySummary } from '../load/latencies.ts'
import type { Ledger } from './ledger.ts'
import { idPrefix, publishText } from './publish-text.ts'
import { SourceStream, type WritingStyle } from './source-stream.ts'
import { attributeOf } from './stanza-splitter.ts'

export interface Load {
  /** Publishes per second. */
  readonly rate: number
  /** Unanswered ones over all streams; past it those that are due are held back. */
  readonly window: number
  /** How many of them, by share, go to devices that several share. */
  readonly sharedShare: number
  /** How many such devices. */
  readonly sharedDevices: number
  readonly timeToLiveS: number | undefined
  readonly style: WritingStyle
  /** Filler in each text, for longer stanzas. */
  readonly paddingBytes: number
}

export const easyLoad: Load = {
  rate: 300,
  window: 2_000,
  sharedShare: 0,
  sharedDevices: 20,
  timeToLiveS: undefined,
  style: 'whole',
  paddingBytes: 0,
}

const tickMs = 5
/** A pacer that comes late does not make up for it at once: that would hold up all other sources of the run. */
const mostPerTick = 200
/** Of the publishes to shared devices, those that tell of a call. */
const callShare = 0.2
/** A stream that has so much unsent is not written to: TCP holds us back. */
const unsentLimitBytes = 262_144

export class Source implements AsyncDisposable {
  readonly domain: string
  readonly serverDomain: string
  readonly latencies = new Latencies()
  /** Whose latency counts. */
  measures: (sequence: number) => boolean = () => true
  /** Due, and no stream was up. */
  notAccepted = 0
  /** Due, and held back: by the window, or by TCP. */
  heldBack = 0
  /** Streams that were ever open. */
  opened = 0
  port = 0
  readonly #ledger: Ledger
  readonly #random: () => number
  readonly #streams = new Set<SourceStream>()
  readonly #byNumber = new Map<number, SourceStream>()
  /** When each of the last publishes was sent, by the lowest bits of its number. */
  readonly #sentAtMs = new Float64Array(1 << 18)
  #server: Server | undefined
  #turn = 0
  #pacer: NodeJS.Timeout | undefined

  constructor(domain: string, serverDomain: string, ledger: Ledger, random: () => number) {
    this.domain = domain
    this.serverDomain = serverDomain
    this.#ledger = ledger
    this.#random = random
  }

  /** Takes connections; again on the same port after `refuse`. */
  async listen(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject).listen(this.port, '127.0.0.1', resolve)
    await promise
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  refuse(): void {
    this.#server?.close()
    this.#server = undefined
  }

  get open(): SourceStream[] {
    return [...this.#streams].filter(({ isOpen, isDeaf }) => isOpen && !isDeaf)
  }

  get unanswered(): number {
    let sum = 0
    for (const { unanswered } of this.#streams) sum += unanswered
    return sum
  }

  /** Publishes from now on; replaces the load before. */
  start(load: Partial<Load> = {}): void {
    this.pause()
    const running = { ...easyLoad, ...load }
    const startedMs = performance.now()
    let done = 0
    this.#pacer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * running.rate) - done
      done += due
      const burst = Math.min(due, mostPerTick)
      this.heldBack += due - burst
      this.#send(burst, running)
    }, tickMs)
  }

  /** Sends nothing more of its own. */
  pause(): void {
    clearInterval(this.#pacer)
    for (const stream of this.#streams) stream.writeOut()
  }

  /** Latencies since the last time. */
  takeLatencies(): LatencySummary & { readonly count: number } {
    const { count } = this.latencies
    const summary = { count, ...this.latencies.summary() }
    this.latencies.clear()
    return summary
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pause()
    this.refuse()
    for (const stream of this.#streams) stream.cut()
  }

  #accept(socket: Socket): void {
    const stream = new SourceStream(this.#ledger.newStream(), socket, {
      opened: () => {
        this.opened++
        this.#byNumber.set(stream.number, stream)
      },
      stanza: (from, xml) => this.#stanza(from, xml),
      closed: () => {
        this.#streams.delete(stream)
        this.#byNumber.delete(stream.number)
        this.#ledger.streamClosed(stream.number)
      },
      fault: (kind, text) => this.#ledger.fault(kind, text),
    })
    this.#streams.add(stream)
  }

  #send(due: number, load: Load): void {
    const open = this.open
    if (open.length === 0) {
      this.notAccepted += due
      return
    }
    const room = load.window - this.unanswered
    const writable = open.filter(({ unsentBytes }) => unsentBytes < unsentLimitBytes)
    const count = writable.length === 0 ? 0 : Math.max(0, Math.min(due, room))
    this.heldBack += due - count
    const texts = new Map<SourceStream, string>()
    for (let i = 0; i < count; i++) {
      const stream = writable[this.#turn++ % writable.length]
      if (stream !== undefined) texts.set(stream, (texts.get(stream) ?? '') + this.#publish(stream, load))
    }
    for (const [stream, text] of texts) stream.write(text, load.style)
  }

  #publish(stream: SourceStream, load: Load): string {
    const shares = this.#random() < load.sharedShare
    const device = shares ? 1 + Math.floor(this.#random() * load.sharedDevices) : 0
    const isCall = device > 0 && this.#random() < callShare
    const sequence = this.#ledger.publish(
      stream.number,
      isCall ? 0 : device,
      performance.timeOrigin + performance.now(),
    )
    this.#sentAtMs[sequence & (this.#sentAtMs.length - 1)] = performance.now()
    stream.unanswered++
    return publishText(this.domain, this.serverDomain, {
      sequence,
      deviceId: device === 0 ? `d${sequence}` : `shared${device}`,
      // A shared device is one device, and so at one provider.
      service: (device === 0 ? sequence : device) % 2 === 0 ? 'fcm' : 'apns',
      timeToLiveS: load.timeToLiveS,
      isCall,
      padding: 'x'.repeat(load.paddingBytes),
    })
  }

  #stanza(stream: SourceStream, xml: string): void {
    const to = attributeOf(xml, 'to') ?? ''
    const from = attributeOf(xml, 'from')
    if (to === '' || from === undefined) this.#ledger.fault('a stanza without to or from', xml)
    // To its own domain: back to the component, as a server would.
    if (to === this.domain) {
      const open = this.open
      open[this.#turn++ % open.length]?.write(xml, 'whole')
      return
    }
    const id = attributeOf(xml, 'id') ?? ''
    const type = attributeOf(xml, 'type')
    if (!id.startsWith(idPrefix) || (type !== 'result' && type !== 'error')) return
    const sequence = Number(id.slice(idPrefix.length))
    const first = !this.#ledger.isAnswered(sequence)
    this.#ledger.answered(sequence, kindOf(type, xml), xml, performance.timeOrigin + performance.now())
    if (!first) return
    // On which of the streams it was asked is known to the ledger; any of them has room again.
    const asked = this.#byNumber.get(this.#ledger.streamOf(sequence)) ?? stream
    asked.unanswered--
    if (!this.measures(sequence)) return
    this.latencies.add(performance.now() - (this.#sentAtMs[sequence & (this.#sentAtMs.length - 1)] ?? 0))
  }
}

function kindOf(type: 'result' | 'error', xml: string): Parameters<Ledger['answered']>[1] {
  if (type === 'result') return 'result'
  if (xml.includes('<device-not-registered')) return 'dead_device'
  const [, kind] = /<error[^>]*?\stype=["'](\w+)["']/.exec(xml) ?? []
  // An error of no known type is as bad as the worst.
  return kind === 'wait' || kind === 'modify' || kind === 'auth' ? kind : 'cancel'
}
