/**
 * What the sandboxes of APNs and FCM have in common: an HTTP/2 server that judges, answers and remembers requests,
 * and whatever it and the wire in front of it can do wrong.
 */
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Conditions } from '../conditions.ts'
import { type IssuedCertificate, localhostCertificate, type OwnCertificate } from './authority.ts'
import { DeviceNames } from './device-names.ts'
import { type ConnectionOwner, type Exchange, ProviderConnection } from './provider-connection.ts'
import type {
  AnswerRule,
  Judgement,
  ProviderAnswer,
  ProviderRequest,
  RawProviderRequest,
  RefusedRequest,
} from './provider-request.ts'
import type { ProviderSandbox, ProviderSandboxOptions } from './provider-sandbox.ts'
import { Wire } from './wire.ts'

/** What makes one provider different from another. */
export interface Provider {
  judge(request: RawProviderRequest): Judgement
  delivered(deviceId: string): ProviderAnswer
  /** Headers of every answer. */
  headers(request: RawProviderRequest): Readonly<Record<string, string>>
  /** By the first word of a device's name. */
  readonly words: Readonly<Record<string, ProviderAnswer>>
  /** Streams that a connection may open before it has brought a valid request; undefined: as many as after it. */
  readonly firstMaxStreams: number | undefined
}

const maxKeptFaults = 1_000

export class ProviderServer implements ProviderSandbox, ConnectionOwner {
  readonly requests: ProviderRequest[] = []
  readonly refused: RefusedRequest[] = []
  readonly breaches: string[] = []
  readonly ca: string | undefined
  url = ''
  port = 0
  total = 0
  connectionsMade = 0
  mostStreams = 0
  pings = 0
  goAwayAtOnce = false
  readonly #provider: Provider
  readonly #options: ProviderSandboxOptions
  readonly #server: Http2SecureServer
  readonly #names: DeviceNames
  readonly #keep: number
  readonly #conditions = new Conditions()
  readonly #connections = new Set<ProviderConnection>()
  readonly #delayed = new Set<NodeJS.Timeout>()
  #wire: Wire | undefined
  #rule: AnswerRule | undefined
  #holding = false
  #held: Exchange[] = []
  #maxStreams: number

  constructor(provider: Provider, options: ProviderSandboxOptions) {
    this.#provider = provider
    this.#options = options
    this.#names = new DeviceNames(provider.words)
    this.#keep = options.keep ?? 10_000
    this.#maxStreams = options.maxStreams ?? 1000
    const tls: IssuedCertificate & Partial<OwnCertificate> = options.tls ?? localhostCertificate()
    this.ca = tls.ca
    const { clientCa } = options
    this.#server = createSecureServer({
      cert: tls.cert,
      key: tls.key,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
      settings: { maxConcurrentStreams: provider.firstMaxStreams ?? this.#maxStreams },
    })
    // First the socket, then, within the same event, its session.
    let socket: TLSSocket
    this.#server.prependListener('secureConnection', (arrived: TLSSocket) => {
      socket = arrived
    })
    this.#server.on('session', (session: ServerHttp2Session) => this.#take(session, socket))
  }

  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0, wire = true } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen(wire ? 0 : port, wire ? '127.0.0.1' : host, 1024, resolve)
    await promise
    this.#server.off('error', reject)
    this.port = (this.#server.address() as AddressInfo).port
    if (wire) {
      this.#wire = new Wire(this.port, () => this.#conditions.changed())
      await this.#wire.listen(port, host)
      this.port = this.#wire.port
    }
    this.url = `https://${host === '127.0.0.1' ? 'localhost' : host}:${this.port}`
  }

  next(count: number, timeoutMs = 10_000): Promise<ProviderRequest[]> {
    if (count > this.#keep) return Promise.reject(new RangeError(`only ${this.#keep} requests are kept`))
    return this.#conditions.until(
      () => (this.requests.length >= count ? this.requests.slice(0, count) : undefined),
      timeoutMs,
      () => `${this.requests.length} of ${count} requests came`,
    )
  }

  until(what: string, holds: () => boolean, timeoutMs = 10_000): Promise<true> {
    return this.#conditions.until(
      () => (holds() ? true : undefined),
      timeoutMs,
      () => `not yet: ${what}`,
    )
  }

  answerWith(rule: AnswerRule | undefined): void {
    this.#rule = rule
  }

  hold(): void {
    this.#holding = true
  }

  release(count?: number): void {
    if (count === undefined) this.#holding = false
    for (const exchange of this.#held.splice(0, count ?? this.#held.length)) this.#answer(exchange)
  }

  get held(): number {
    return this.#held.length
  }

  get connections(): number {
    return this.#connections.size
  }

  get openStreams(): number {
    return [...this.#connections].reduce((sum, { open }) => sum + open.size, 0)
  }

  setMaxStreams(count: number): void {
    this.#maxStreams = count
    this.#server.updateSettings({ maxConcurrentStreams: this.#provider.firstMaxStreams ?? count })
    for (const connection of this.#living()) connection.setMaxStreams(count)
  }

  async settingsTaken(): Promise<void> {
    await this.until('every client has taken the settings', () =>
      [...this.#connections].every(({ session }) => !session.pendingSettingsAck),
    )
  }

  goAway(processed: 'all' | 'answered', code: number = constants.NGHTTP2_NO_ERROR): void {
    for (const connection of this.#living()) {
      const dropped = new Set(connection.goAway(processed, code))
      this.#held = this.#held.filter((exchange) => !dropped.has(exchange))
    }
  }

  get wire(): Wire {
    if (this.#wire === undefined) throw new Error('this sandbox was started without a wire')
    return this.#wire
  }

  useCertificate(certificate: IssuedCertificate): void {
    this.#server.setSecureContext(certificate)
  }

  async close(): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer)
    this.#delayed.clear()
    this.#conditions.giveUp(new Error('the sandbox was closed'))
    await this.#wire?.close()
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    for (const { session } of this.#connections) session.destroy()
    await promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  received(exchange: Exchange, request: RawProviderRequest): void {
    exchange.headers = this.#provider.headers(request)
    const judgement = this.#provider.judge(request)
    if (judgement.kind === 'refused') this.#refuse(exchange, request.path, judgement.answer)
    else this.#push(exchange, request, judgement.deviceId, judgement.body)
  }

  changed(connection: ProviderConnection): void {
    this.mostStreams = Math.max(this.mostStreams, connection.mostStreams)
    if (connection.session.destroyed && this.#connections.delete(connection)) {
      this.#held = this.#held.filter((exchange) => exchange.connection !== connection)
    }
    this.#conditions.changed()
  }

  breach(text: string): void {
    if (this.breaches.length < maxKeptFaults) this.breaches.push(text)
  }

  pinged(): void {
    this.pings++
    this.#conditions.changed()
  }

  /** Those that are not at their end: that is told a moment later. */
  #living(): ProviderConnection[] {
    return [...this.#connections].filter(({ session }) => !session.destroyed)
  }

  #take(session: ServerHttp2Session, socket: TLSSocket): void {
    const connection = new ProviderConnection(this.connectionsMade++, session, socket, this)
    this.#connections.add(connection)
    if (this.goAwayAtOnce) connection.goAwayAtOnce()
    this.#conditions.changed()
  }

  #refuse(exchange: Exchange, path: string, answer: ProviderAnswer): void {
    const { status, body } = answer
    if (this.refused.length < maxKeptFaults && typeof status === 'number') {
      this.refused.push({ path, status, body: JSON.stringify(body) ?? '' })
    }
    exchange.answer = answer
    exchange.connection.respond(exchange)
    this.#conditions.changed()
  }

  #push(exchange: Exchange, raw: RawProviderRequest, deviceId: string, body: ProviderRequest['body']): void {
    const { connection } = exchange
    const request: ProviderRequest = {
      deviceId,
      path: raw.path,
      headers: raw.headers,
      body,
      connection: connection.number,
      stream: exchange.id,
      receivedAtMs: performance.timeOrigin + performance.now(),
      status: 0,
      processed: true,
    }
    if (!connection.trusted) {
      connection.trusted = true
      if (this.#provider.firstMaxStreams !== undefined) connection.setMaxStreams(this.#maxStreams)
    }
    const delivered = this.#provider.delivered(deviceId)
    exchange.request = request
    exchange.answer = this.#rule?.(request) ?? this.#names.answer(deviceId, delivered) ?? delivered
    if (this.#holding) this.#held.push(exchange)
    this.#remember(request)
    if (!this.#holding) this.#answer(exchange)
  }

  #remember(request: ProviderRequest): void {
    this.total++
    if (this.#keep > 0) this.requests.push(request)
    // A quarter more than `keep`, so that the array is not moved for every request.
    if (this.requests.length > this.#keep * 1.25) this.requests.splice(0, this.requests.length - this.#keep)
    this.#conditions.changed()
  }

  #answer(exchange: Exchange): void {
    const delayMs = (this.#options.latencyMs ?? 0) + (exchange.answer.delayMs ?? 0)
    if (delayMs === 0) {
      this.#answerNow(exchange)
      return
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer)
      this.#answerNow(exchange)
    }, delayMs)
    this.#delayed.add(timer)
  }

  #answerNow(exchange: Exchange): void {
    const { request, answer, connection } = exchange
    // Taken back by a GOAWAY in the meantime: nobody would hear it.
    if (request?.processed === false) return
    connection.respond(exchange)
    if (request !== undefined) this.#options.onRequest?.(request, answer)
    this.#conditions.changed()
  }
}
