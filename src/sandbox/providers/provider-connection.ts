import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { ProviderAnswer, ProviderRequest, RawProviderRequest } from './provider-request.ts'

/** Of a request's body: far more than any provider takes. */
const maxBodyBytes = 1024 * 1024

/** A stream with a request: from its headers until it is closed. */
export interface Exchange {
  readonly connection: ProviderConnection
  readonly stream: ServerHttp2Stream
  readonly id: number
  /** Set once it is known to be valid. */
  request: ProviderRequest | undefined
  answer: ProviderAnswer
  /** Headers of its answer, whatever that is. */
  headers: Readonly<Record<string, string>>
}

export interface ConnectionOwner {
  received(exchange: Exchange, request: RawProviderRequest): void
  /** A stream or the connection is closed, or settings are taken. */
  changed(connection: ProviderConnection): void
  breach(text: string): void
  pinged(): void
}

/** One client's connection, once it speaks HTTP/2. */
export class ProviderConnection {
  /** From 0, in the order they came. */
  readonly number: number
  readonly session: ServerHttp2Session
  /** The common name of the client's certificate, where it showed one of the authority asked for. */
  readonly clientName: string | undefined
  readonly open = new Set<Exchange>()
  /** It has brought a valid request. */
  trusted = false
  /** The most streams that were open at a time. */
  mostStreams = 0
  #highestStream = 0
  #highestAnswered = 0
  /** Streams above this are not processed: a GOAWAY has said so. */
  #lastStream = Number.POSITIVE_INFINITY
  readonly #socket: TLSSocket
  readonly #owner: ConnectionOwner

  constructor(number: number, session: ServerHttp2Session, socket: TLSSocket, owner: ConnectionOwner) {
    this.number = number
    this.session = session
    this.clientName = clientNameOf(socket)
    this.#socket = socket
    this.#owner = owner
    session.on('error', (error) => owner.breach(error.message))
    session.on('close', () => owner.changed(this))
    session.on('localSettings', () => owner.changed(this))
    session.on('ping', () => owner.pinged())
    session.on('stream', (stream, headers, _flags, rawHeaders) => this.#read(stream, headers, rawHeaders))
  }

  setMaxStreams(count: number): void {
    this.session.settings({ maxConcurrentStreams: count })
  }

  /** The streams that are never processed now. */
  goAway(processed: 'all' | 'answered', code: number): Exchange[] {
    const last = processed === 'all' ? this.#highestStream : this.#highestAnswered
    // node:http2 takes a 0 for "the last that came".
    if (last === 0 && this.#highestStream > 0) throw new RangeError('nothing was answered yet')
    this.#lastStream = last
    const dropped = [...this.open].filter(({ id }) => id > last)
    for (const { request } of dropped) if (request !== undefined) request.processed = false
    this.session.goaway(code, last)
    this.#endWhenDone()
    return dropped
  }

  /** Before any stream, or with as few as have come in one piece with the connection. */
  goAwayAtOnce(): void {
    this.session.once('connect', () => {
      this.#lastStream = this.session.state.lastProcStreamID ?? 0
      this.session.goaway()
      this.#endWhenDone()
    })
  }

  respond({ stream, id, headers, answer, request }: Exchange): void {
    if (stream.destroyed || stream.closed) return
    const { status, body } = answer
    switch (status) {
      case 'hang':
        return
      case 'reset':
        stream.close(constants.NGHTTP2_INTERNAL_ERROR)
        return
      case 'refused':
        if (request !== undefined) request.processed = false
        stream.close(constants.NGHTTP2_REFUSED_STREAM)
        return
      case 'cut':
        // Not the session's end, which would say GOAWAY.
        this.#socket.destroy()
        return
    }
    this.#highestAnswered = Math.max(this.#highestAnswered, id)
    if (request !== undefined) request.status = status
    const all = { ...headers, ...answer.headers, ':status': status }
    if (body === undefined) stream.respond(all, { endStream: true })
    else {
      stream.respond(all)
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      if (answer.unfinished === true) stream.write(text)
      else stream.end(text)
    }
  }

  /** After a GOAWAY, and the last answer that was to come. */
  #endWhenDone(): void {
    if (this.#lastStream === Number.POSITIVE_INFINITY) return
    if ([...this.open].some(({ id }) => id <= this.#lastStream)) return
    setImmediate(() => this.session.destroy())
  }

  #read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const id = stream.id ?? 0
    const exchange: Exchange = {
      connection: this,
      stream,
      id,
      request: undefined,
      answer: { status: 'hang' },
      headers: {},
    }
    this.open.add(exchange)
    this.#highestStream = Math.max(this.#highestStream, id)
    this.mostStreams = Math.max(this.mostStreams, this.open.size)
    const chunks: Buffer[] = []
    let bytes = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBodyBytes) chunks.push(chunk)
    })
    stream.on('end', () => {
      // A request that the client has taken back is none, and one that came after a GOAWAY is not looked at.
      if (stream.destroyed || stream.aborted || id > this.#lastStream) return
      const { ':method': method = '', ':path': path = '' } = headers
      const body = Buffer.concat(chunks)
      this.#owner.received(exchange, { method, path, headers, rawHeaders, body, connection: this })
    })
    stream.on('error', () => stream.destroy())
    stream.on('close', () => {
      this.open.delete(exchange)
      this.#endWhenDone()
      this.#owner.changed(this)
    })
  }
}

function clientNameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  const name = subject?.CN
  return typeof name === 'string' ? name : undefined
}
