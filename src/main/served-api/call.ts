/**
 * One request to the served API, whichever HTTP it came in by: its body is read to the end, it is taken once, and
 * answered once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import { Link } from '../../core/chain.ts'
import type { ServedAnswer } from '../../core/gateway/served-answer.ts'
import type { RawRequest } from '../../core/gateway/served-request.ts'
import { splitTarget } from '../http/known-hosts.ts'
import type { BodyRoom } from './body-room.ts'

/** How reading a body ended: `too_large` when it is over the limit, `no_room` when all bodies together are. */
export type BodyEnd = 'whole' | 'too_large' | 'no_room'

export abstract class Call implements RawRequest {
  readonly method: string
  readonly path: string
  readonly contentType: string | undefined
  /** The host name of the request: `:authority`, that of an absolute-form target, or `Host`. */
  readonly authority: string | undefined
  /** The headers that decide whether the request is admitted. */
  readonly authorization: string | undefined
  readonly origin: string | undefined
  /** When its head was in. Monotonic. */
  readonly beganMs: number
  body: Uint8Array | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0
  #isRead = false
  #isAnswered = false

  constructor(
    { method, path, authority }: { method: string; path: string; authority: string | undefined },
    headers: IncomingHttpHeaders,
    beganMs: number,
  ) {
    this.method = method
    this.path = path
    this.authority = authority
    this.contentType = headers['content-type']
    this.authorization = headers.authorization
    this.origin = headers.origin
    this.beganMs = beganMs
  }

  /** The answer is sent, or the client is gone. */
  abstract onClosed(listener: () => void): void

  /** Refuses the request unprocessed, so that the client may retry (RFC 9113 §8.7); false: HTTP/1.1 cannot do that. */
  abstract refuse(): boolean

  /** The request is answered before its body is read: the body is discarded. */
  discard(): void {
    const { source } = this
    source.on('error', () => source.destroy())
    source.resume()
  }

  /**
   * Reads the body and calls `read` once, unless the client leaves before. What is left of a body that is not wanted
   * is let go.
   */
  read(room: BodyRoom, maxBytes: number, read: (end: BodyEnd) => void): void {
    const { source } = this
    const end = (how: BodyEnd | 'gone') => {
      if (this.#isRead) return
      this.#isRead = true
      const [first = new Uint8Array(), second] = this.#chunks
      if (how === 'whole') this.body = second === undefined ? first : Buffer.concat(this.#chunks)
      this.#chunks = []
      room.release(this.#bytes)
      if (how !== 'gone') read(how)
    }
    source.on('data', (chunk: Buffer) => {
      if (this.#isRead) return
      this.#bytes += chunk.length
      this.#chunks.push(chunk)
      const fits = room.take(chunk.length)
      if (this.#bytes > maxBytes) end('too_large')
      else if (!fits) end('no_room')
    })
    source.on('end', () => end('whole'))
    // Whatever befell it: without an end there is nobody to answer.
    source.on('error', () => end('gone'))
    source.on('close', () => end('gone'))
  }

  get isRead(): boolean {
    return this.#isRead
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /**
   * Sends the answer; false: the client has not waited for it. `isLast`: the connection is to be given up after it.
   */
  answer(answer: ServedAnswer, isLast: boolean): boolean {
    if (this.#isAnswered) throw new Error('a call is answered once')
    this.#isAnswered = true
    if (this.isGone) return false
    this.send(answer, isLast)
    return true
  }

  /** The connection, which is the same object for all of its requests. */
  abstract readonly connection: object
  protected abstract readonly source: Readable
  protected abstract readonly isGone: boolean
  protected abstract send(answer: ServedAnswer, isLast: boolean): void
}

export class Http1Call extends Call {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, beganMs: number) {
    const { method = '', url = '', headers } = request
    const { path, authority = headers.host } = splitTarget(url)
    super({ method, path, authority }, headers, beganMs)
    this.#request = request
    this.#response = response
  }

  onClosed(listener: () => void): void {
    this.#response.once('close', listener)
  }

  refuse(): boolean {
    return false
  }

  get connection(): object {
    return this.#request.socket
  }

  protected get source(): Readable {
    return this.#request
  }

  protected get isGone(): boolean {
    return this.#response.destroyed
  }

  protected send({ status, headers, body }: ServedAnswer, isLast: boolean): void {
    const all: Record<string, string | number> = { ...headers, 'content-length': Buffer.byteLength(body) }
    if (isLast) all.connection = 'close'
    this.#response.writeHead(status, all).end(body)
  }
}

export class Http2Call extends Call {
  /** Its place among those that are coming in. */
  readonly link = new Link<Http2Call>(this)
  readonly #stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, beganMs: number) {
    const { ':method': method = '', ':path': path = '', ':authority': authority = headers.host } = headers
    super({ method, path, authority }, headers, beganMs)
    this.#stream = stream
    // A stream that is reset ends, too, whether it was read or not.
    stream.on('error', () => stream.destroy())
  }

  onClosed(listener: () => void): void {
    this.#stream.once('close', listener)
  }

  refuse(): boolean {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_REFUSED_STREAM)
    return true
  }

  get connection(): object {
    // When the session of a stream is gone, so is everything else of the stream.
    return this.#stream.session ?? this.#stream
  }

  protected get source(): Readable {
    return this.#stream
  }

  /** How many sweeps found it answered but not over. */
  sweepsSinceAnswer = 0

  /** The client does not read the answer. */
  cut(): void {
    this.link.leave()
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  /** It takes too long to come in. */
  timeOut(): void {
    if (this.#stream.destroyed) return
    this.#stream.respond({ ':status': 408 }, { endStream: true })
    this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  protected get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  protected send({ status, headers, body }: ServedAnswer): void {
    const stream = this.#stream
    stream.respond({ ':status': status, ...headers, 'content-length': Buffer.byteLength(body) })
    if (this.method !== 'HEAD') stream.end(body)
    // The rest of a body that nobody reads is not to be sent (RFC 9113 §8.1).
    if (!stream.readableEnded) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
  }
}
