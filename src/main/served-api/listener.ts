/**
 * The listener of the served API: HTTP/1.1, and over TLS HTTP/2 as well, by ALPN. It reads requests to their end, within
 * its limits, and hands each on as a `Call`.
 *
 * A request is checked in this order: connections in all and of its address, requests of its connection
 * (`ConnectionRequests`), requests in all, admission, then the limits of its body.
 *
 * Open → draining (nothing new is let in, what is under way is answered) → closed.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Address } from '../address.ts'
import { answerBrokenRequest } from '../http/broken-request.ts'
import { type ListenHandle, Listening } from '../http/listening.ts'
import type { Metrics } from '../metrics/table.ts'
import { AddressCounts, holderOf } from './address-counts.ts'
import { BodyRoom } from './body-room.ts'
import { type BodyEnd, type Call, Http1Call, Http2Call } from './call.ts'
import { ConnectionRequests, RequestGate } from './connection-requests.ts'
import { type ListenerLimits, listenerLimits } from './listener-limits.ts'
import { RequestDeadlines, sweepIntervalMs } from './request-deadlines.ts'
import { type ServerCertificate, secureOptions } from './server-certificate.ts'

export interface ListenerPorts {
  readonly metrics: Metrics
  /** Milliseconds that never jump, with fractions. */
  readonly monotonicMs: () => number
  /** Whether to read the body; false: the request has been answered. Must not throw. */
  readonly admit: (call: Call) => boolean
  /** Takes a request that is in, or is too large to be, or for which there was no room; may throw nothing. */
  readonly take: (call: Call, end: BodyEnd) => void
}

const idleIntervalMs = 50

export class Listener {
  readonly #ports: ListenerPorts
  readonly #limits: ListenerLimits
  readonly #room: BodyRoom
  readonly #sockets = new Set<Socket>()
  readonly #addresses: AddressCounts
  readonly #gate: RequestGate
  readonly #sessions = new Map<Http2Session, ConnectionRequests>()
  /** Of connections with HTTP/1.1, on which requests may come before earlier ones are answered (RFC 9112 §9.3.2). */
  readonly #pipelines = new WeakMap<Socket, ConnectionRequests>()
  /** Deadlines of HTTP/2 requests: Node.js has timeouts only for HTTP/1.1. */
  readonly #deadlines: RequestDeadlines
  /** Admitted requests that are not over. */
  #underWay = 0
  #server: Server | Http2SecureServer | undefined
  #listening: Listening | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined
  /** Connections on which HTTP/1.1 is spoken. */
  #http1 = 0

  constructor(ports: ListenerPorts, limits: Partial<ListenerLimits> = {}) {
    this.#ports = ports
    this.#limits = { ...listenerLimits, ...limits }
    this.#room = new BodyRoom(this.#limits.maxBodiesBytes)
    this.#addresses = new AddressCounts(this.#limits.maxConnectionsPerAddress)
    this.#deadlines = new RequestDeadlines(this.#limits.requestMs, (limit) => this.#limitHit(limit))
    this.#gate = new RequestGate(this.#limits, {
      monotonicMs: ports.monotonicMs,
      letIn: (call, whole) => this.#letIn(call, whole),
      refuse: (call) => this.#refuse(call),
    })
    const { metrics } = ports
    metrics.servedConnections.read(() => this.#http1, 'http/1.1')
    metrics.servedConnections.read(() => this.#sessions.size, 'h2')
  }

  /**
   * Listens, or goes on with a socket that listens there already; resolves to where, as a URL or `unix:/path`. Without a certificate it is plain HTTP. Rejects with the
   * system's error: EADDRINUSE, EACCES …; with OpenSSL's for a certificate that is none.
   */
  async listen(
    address: Address,
    certificate: ServerCertificate | undefined,
    handedOver?: ListenHandle,
  ): Promise<string> {
    const server = certificate === undefined ? this.#plainServer() : this.#tlsServer(certificate)
    this.#server = server
    server.maxConnections = this.#limits.maxConnections
    server.on('connection', (socket: Socket) => this.#connected(socket))
    server.on('drop', () => this.#limitHit('served_connections'))
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // Of HTTP/2 streams Node.js makes requests too, unless it is kept from that: `stream` has them already.
      if (request.httpVersionMajor !== 1) return
      const call = new Http1Call(request, response, this.#ports.monotonicMs())
      this.#pipelineOf(request.socket).came(call)
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => this.#broken(error, socket))
    this.#listening = await Listening.at(server, address, handedOver)
    this.#sweepTimer = setInterval(() => this.#sweep(), sweepIntervalMs)
    const { where } = this.#listening
    if (address.kind === 'unix') return where
    return `${certificate === undefined ? 'http' : 'https'}://${where}`
  }

  /** Gives the listening socket away, through `give`. To be followed by `drain`. */
  async handOver(give: (server: NetServer) => Promise<void>): Promise<void> {
    await this.#listening?.handOver(give)
  }

  /** What connections to come are shown. @throws OpenSSL's error for what is no certificate with its key. */
  renew(certificate: ServerCertificate): void {
    if (this.#server !== undefined && 'setSecureContext' in this.#server) {
      this.#server.setSecureContext(secureOptions(certificate))
    }
  }

  /** Lets nothing new in, ends idle connections, and has each other one end with its last answer. */
  drain(): void {
    const server = this.#server
    if (server === undefined || this.#closed !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = promise
    this.#listening?.end()
    server.close(() => resolve())
    for (const session of this.#sessions.keys()) session.close()
  }

  get isDraining(): boolean {
    return this.#closed !== undefined
  }

  /** Drains; what is still open `withinMs` later is cut. */
  async close(withinMs: number): Promise<void> {
    this.drain()
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, withinMs)
    // One whose request was refused unread falls idle only later, and would then be kept alive.
    const idle = setInterval(() => this.#closeIdle(), idleIntervalMs)
    await this.#closed
    clearInterval(idle)
    clearTimeout(cut)
    clearInterval(this.#sweepTimer)
  }

  #plainServer(): Server {
    const { idleMs, requestMs, maxHeaderBytes } = this.#limits
    const server = createServer({
      keepAlive: true,
      keepAliveTimeout: idleMs,
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: sweepIntervalMs,
      maxHeaderSize: maxHeaderBytes,
    })
    server.timeout = idleMs
    server.on('connection', (socket: Socket) => this.#openedHttp1(socket))
    return server
  }

  #tlsServer(certificate: ServerCertificate): Http2SecureServer {
    const { idleMs, requestMs, handshakeMs, maxHeaderBytes, maxStreams } = this.#limits
    const server = createSecureServer({
      ...secureOptions(certificate),
      allowHTTP1: true,
      noDelay: true,
      keepAlive: true,
      handshakeTimeout: handshakeMs,
      settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes },
    })
    // Types and older versions of Node.js do not know them as options.
    Object.assign(server, {
      timeout: idleMs,
      keepAliveTimeout: idleMs,
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: sweepIntervalMs,
      maxHeaderSize: maxHeaderBytes,
    })
    // It would make a request and a response of each stream, as soon as somebody listens to requests.
    server.removeAllListeners('newListener')
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol !== 'h2') this.#openedHttp1(socket)
    })
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.set(session, new ConnectionRequests(this.#gate))
      session.once('close', () => this.#sessions.delete(session))
    })
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const call = new Http2Call(stream, headers, this.#ports.monotonicMs())
      this.#deadlines.came(call)
      const requests = stream.session && this.#sessions.get(stream.session)
      // The streams of a session end with it.
      if (requests === undefined) this.#refuse(call)
      else requests.came(call)
    })
    return server
  }

  #connected(socket: Socket): void {
    const { remoteAddress } = socket
    const holder = remoteAddress === undefined ? undefined : holderOf(remoteAddress)
    if (holder !== undefined && !this.#addresses.enter(holder)) {
      this.#limitHit('served_connections_per_address')
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (holder !== undefined) this.#addresses.leave(holder)
    })
  }

  #pipelineOf(socket: Socket): ConnectionRequests {
    const known = this.#pipelines.get(socket)
    if (known !== undefined) return known
    const requests = new ConnectionRequests(this.#gate)
    this.#pipelines.set(socket, requests)
    return requests
  }

  #openedHttp1(socket: Socket): void {
    this.#http1++
    socket.once('close', () => this.#http1--)
  }

  #closeIdle(): void {
    if (this.#server !== undefined && 'closeIdleConnections' in this.#server) {
      this.#server.closeIdleConnections()
    }
  }

  #letIn(call: Call, whole: () => void): void {
    if (this.#underWay >= this.#limits.maxRequests) {
      this.#limitHit('served_requests')
      this.#turnAway(call)
      return
    }
    this.#underWay++
    call.onClosed(() => this.#underWay--)
    if (!this.#ports.admit(call)) {
      call.discard()
      return
    }
    call.read(this.#room, this.#limits.maxBodyBytes, (end) => {
      if (end === 'whole') whole()
      if (end === 'too_large') this.#limitHit('served_body_bytes')
      if (end === 'no_room') this.#limitHit('served_bodies_bytes')
      this.#ports.take(call, end)
    })
  }

  /** The connection has too many requests. */
  #refuse(call: Call): void {
    this.#limitHit('served_streams')
    if (!call.refuse()) this.#turnAway(call)
  }

  #turnAway(call: Call): void {
    call.discard()
    this.#ports.take(call, 'no_room')
  }

  #broken(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'HPE_HEADER_OVERFLOW') this.#limitHit('served_header_bytes')
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#limitHit('served_request_time')
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else answerBrokenRequest(error, socket)
  }

  #sweep(): void {
    const nowMs = this.#ports.monotonicMs()
    this.#gate.sweep(nowMs)
    this.#deadlines.sweep(nowMs)
  }

  #limitHit(limit: string): void {
    this.#ports.metrics.limitsHit.child(limit).add(1)
  }
}
