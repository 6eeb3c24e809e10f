// It is over 300 lines: it is one server, with all that it can do wrong.

/**
 * The server end of XEP-0114 for one or more component domains: it checks the handshake as strictly as
 * ejabberd, shares requests out among the streams of a domain, loops a component's stanzas to its own domain
 * back to it, and answers what is addressed to anybody else. Around that, hooks to be as nasty as a network.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Conditions } from './conditions.ts'
import type { SandboxElement } from './element.ts'
import { PendingAnswers } from './pending-answers.ts'
import { answerAsServer } from './xmpp-answers.ts'
import { parseStanza } from './xmpp-reader.ts'
import type {
  ClosedStream,
  ReceivedStanza,
  RequestOptions,
  XmppSandbox,
  XmppSandboxOptions,
} from './xmpp-sandbox.ts'
import { domainOf, ServerStream } from './xmpp-stream.ts'

export async function startXmppSandbox(options: XmppSandboxOptions): Promise<XmppSandbox> {
  const server = new XmppServer(options)
  await server.acceptConnections()
  return server
}

interface Connection {
  readonly socket: Socket
  readonly stream: ServerStream
  /** -1 until it is open. */
  number: number
}

interface DomainStreams {
  readonly open: Connection[]
  opened: number
  turn: number
}

class XmppServer implements XmppSandbox {
  port = 0
  blackHole = false
  readonly received: ReceivedStanza[] = []
  readonly closed: ClosedStream[] = []
  readonly #options: XmppSandboxOptions
  readonly #keep: number
  readonly #connections = new Set<Connection>()
  readonly #domains = new Map<string, DomainStreams>()
  readonly #answers = new PendingAnswers()
  readonly #conditions = new Conditions()
  #server: Server | undefined
  #accepted = 0
  #reading = true

  constructor(options: XmppSandboxOptions) {
    this.#options = options
    this.#keep = options.keep ?? 100_000
    for (const domain of Object.keys(options.domains)) {
      this.#domains.set(domain, { open: [], opened: 0, turn: 0 })
    }
  }

  async acceptConnections(): Promise<void> {
    const { tls, unixPath, host = '127.0.0.1' } = this.#options
    const listener = (socket: Socket) => this.#accept(socket)
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    if (unixPath !== undefined) server.listen(unixPath, resolve)
    else server.listen(this.port || (this.#options.port ?? 0), host, resolve)
    await promise
    server.off('error', reject)
    this.#server = server
    if (unixPath === undefined) this.port = (server.address() as AddressInfo).port
  }

  /** Resolves at once: Node's `close` would wait for the streams, too. */
  refuseConnections(): Promise<void> {
    this.#server?.close()
    this.#server = undefined
    return Promise.resolve()
  }

  streamCount(domain: string): number {
    return this.#of(domain).open.length
  }

  openedCount(domain: string): number {
    return this.#of(domain).opened
  }

  async waitForStreams(domain: string, count: number, timeoutMs = 10_000): Promise<void> {
    await this.#conditions.until(
      () => (this.streamCount(domain) === count ? true : undefined),
      timeoutMs,
      () => `${this.streamCount(domain)} of ${count} streams of ${domain} are open`,
    )
  }

  waitFor(fits: (stanza: ReceivedStanza) => boolean, timeoutMs = 10_000): Promise<ReceivedStanza> {
    let looked = false
    const look = () => {
      if (!looked) {
        looked = true
        return this.received.find(fits)
      }
      // Looked at with every stanza that comes, so only the newest can be new.
      const newest = this.received.at(-1)
      return newest !== undefined && fits(newest) ? newest : undefined
    }
    return this.#conditions.until(look, timeoutMs, () => `none of ${this.received.length} stanzas fits`)
  }

  async request(domain: string, iq: string, options: RequestOptions = {}): Promise<SandboxElement> {
    const [answer] = await this.requestAll(domain, [iq], options)
    return answer as SandboxElement
  }

  requestAll(
    domain: string,
    iqs: readonly string[],
    { stream, timeoutMs = 10_000 }: RequestOptions = {},
  ): Promise<SandboxElement[]> {
    const answers = iqs.map((iq) => this.#answers.expect(domain, idOf(iq), timeoutMs))
    try {
      this.send(domain, iqs.join(''), stream)
    } catch (error) {
      for (const iq of iqs) this.#answers.reject(domain, idOf(iq), error as Error)
    }
    return Promise.all(answers)
  }

  send(domain: string, xml: string | Uint8Array, stream?: number): void {
    if (this.#isMute(domain)) return
    const connection = this.#connectionFor(domain, stream)
    if (connection === undefined) {
      throw new Error(`no open stream${stream === undefined ? '' : ` ${stream}`} of ${domain}`)
    }
    connection.socket.write(xml)
    this.#tell(connection, 'out', xml)
  }

  failStreams(condition: string, domain?: string): void {
    for (const connection of this.#matching(domain)) connection.stream.fail(condition, '')
  }

  dropStreams(domain?: string): void {
    for (const { socket } of this.#matching(domain)) socket.destroy()
  }

  pauseReading(): void {
    this.#reading = false
    for (const { socket } of this.#connections) socket.pause()
  }

  resumeReading(): void {
    this.#reading = true
    for (const { socket } of this.#connections) socket.resume()
  }

  async close(): Promise<void> {
    await this.refuseConnections()
    const gone = [...this.#connections].map(({ socket }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.once('close', () => resolve()).destroy()
      return promise
    })
    await Promise.all(gone)
    const error = new Error('the sandbox was closed')
    this.#answers.rejectAll(error)
    this.#conditions.giveUp(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #of(domain: string): DomainStreams {
    const streams = this.#domains.get(domain)
    if (streams === undefined) throw new RangeError(`${domain} is no domain of this sandbox`)
    return streams
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true)
    const index = this.#accepted++
    const stream = new ServerStream({
      write: (xml) => {
        if (!this.blackHole && socket.writable) socket.write(xml)
      },
      end: () => socket.end(),
      secretOf: (domain) => {
        const { domains } = this.#options
        return Object.hasOwn(domains, domain) ? domains[domain] : undefined
      },
      isTaken: (domain) => this.#isTaken(domain),
      acceptMs: this.#options.secondStream === 'MongooseIM' ? (this.#options.raceMs ?? 5) : 0,
      opened: (domain) => this.#opened(connection, domain),
      stanza: (element) => this.#stanza(connection, element),
      closed: (reason) => this.#gone(connection, reason),
      sawTag: (direction, xml) => this.#options.onStreamTag?.({ connection: index, xml, direction }),
    })
    const connection: Connection = { socket, stream, number: -1 }
    this.#connections.add(connection)
    socket.on('data', (bytes) => {
      stream.read(bytes)
      this.#shape(socket, bytes.length)
    })
    // What broke a connection shows in `close`, which follows.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#connections.delete(connection)
      this.#gone(connection, 'cut')
    })
    if (!this.#reading) socket.pause()
  }

  #isTaken(domain: string): boolean {
    const { secondStream = 'balance' } = this.#options
    return secondStream !== 'balance' && this.streamCount(domain) > 0
  }

  /** Whether MongooseIM has two streams of the domain, and so routes nothing to it. */
  #isMute(domain: string): boolean {
    return this.#options.secondStream === 'MongooseIM' && this.streamCount(domain) > 1
  }

  /** After so many bytes the next ones wait as long as the rate has it. */
  #shape(socket: Socket, bytes: number): void {
    const { readBytesPerSecond } = this.#options
    if (readBytesPerSecond === undefined) return
    socket.pause()
    setTimeout(() => this.#reading && socket.resume(), (bytes / readBytesPerSecond) * 1000)
  }

  #opened(connection: Connection, domain: string): string {
    if (this.blackHole || connection.socket.destroyed) return ''
    const streams = this.#of(domain)
    connection.number = streams.opened++
    streams.open.push(connection)
    const following = this.#options.withHandshake?.(domain) ?? ''
    if (following !== '') this.#tell(connection, 'out', following)
    this.#conditions.changed()
    return following
  }

  /** Once per connection that was open. */
  #gone(connection: Connection, reason: ClosedStream['reason']): void {
    const { domain } = connection.stream
    const open = this.#domains.get(domain)?.open ?? []
    const index = open.indexOf(connection)
    if (index === -1) return
    open.splice(index, 1)
    this.closed.push({ domain, stream: connection.number, reason })
    this.#conditions.changed()
  }

  #stanza(connection: Connection, element: SandboxElement): void {
    const { domain } = connection.stream
    this.received.push({ domain, stream: connection.number, xml: element.xml })
    if (this.received.length > this.#keep * 1.25) this.received.splice(0, this.received.length - this.#keep)
    this.#tell(connection, 'in', element.xml)
    if (!this.blackHole) this.#route(domain, element)
    this.#conditions.changed()
  }

  #route(domain: string, element: SandboxElement): void {
    const type = element.attr('type')
    const isAnswer = element.name === 'iq' && (type === 'result' || type === 'error')
    if (isAnswer && this.#answers.resolve(domain, element)) return

    const to = domainOf(element.attr('to') ?? '')
    if (!this.#domains.has(to)) {
      const answer = answerAsServer(element)
      if (answer !== undefined) this.#sendIfOpen(domain, answer)
    } else this.#sendIfOpen(to, element.xml)
  }

  #sendIfOpen(domain: string, xml: string): void {
    if (this.streamCount(domain) > 0) this.send(domain, xml)
  }

  #connectionFor(domain: string, stream: number | undefined): Connection | undefined {
    const streams = this.#of(domain)
    if (stream !== undefined) return streams.open.find(({ number }) => number === stream)
    return streams.open[streams.turn++ % streams.open.length]
  }

  #matching(domain: string | undefined): Connection[] {
    return [...this.#connections].filter(({ stream }) => domain === undefined || stream.domain === domain)
  }

  #tell(connection: Connection, direction: 'in' | 'out', xml: string | Uint8Array): void {
    this.#options.onStanza?.({
      domain: connection.stream.domain,
      stream: connection.number,
      xml: typeof xml === 'string' ? xml : new TextDecoder().decode(xml),
      direction,
    })
  }
}

/** Only the first tag is looked at, which is much cheaper than reading the whole stanza. */
const idInFirstTag = /^\s*<iq(?:\s+[\w:]+=(?:'[^']*'|"[^"]*"))*?\s+id=(?:'([^'&]*)'|"([^"&]*)")/

function idOf(iq: string): string {
  const match = idInFirstTag.exec(iq)
  const id = match === null ? parseStanza(iq).attr('id') : (match[1] ?? match[2])
  if (id === undefined) throw new SyntaxError(`an iq without an id: ${iq.slice(0, 100)}`)
  return id
}

export type {
  ClosedStream,
  PassedStanza,
  ReceivedStanza,
  RequestOptions,
  XmppSandbox,
  XmppSandboxOptions,
} from './xmpp-sandbox.ts'
