import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import { constants } from 'node:http2'
import { performance } from 'node:perf_hooks'
import { Link } from '../../core/chain.ts'
import type { ProviderAnswer, ProviderRequest } from '../../core/gateway/ports.ts'
import { retryAfterMs } from '../../core/mongoosepush/answer.ts'
import type { NoResponseCause } from '../../core/outcome.ts'

/** Why there was no response. */
export type NoResponse = Exclude<NoResponseCause, 'worker_lost'>

/** Who is told what each request came to: one of these three, once. */
export interface ProviderAnswerTaker {
  /** 2xx. */
  delivered(id: number, status: number, durationUs: number): void
  /** Any other status. `authorization`: what the request bore. True: no further request on that connection. */
  answered(id: number, answer: ProviderAnswer, durationUs: number, authorization: string | undefined): boolean
  failed(id: number, cause: NoResponse, detail: string, durationUs: number): void
}

/** The connection that a request is on. */
export interface CallOwner {
  /** Its response has begun. */
  answered(): void
  /** Its stream is closed. */
  closed(call: Call): void
  /** No further request is to go where this answer came from. */
  replace(): void
}

/** More than this of an answer's body is not read. */
const maxBodyBytes = 64 * 1024

type CallStream = ClientHttp2Stream & { call?: Call }

/**
 * One request on its way. States: `waiting` (on no connection), `sent`, `answering` (its status is known, which is not
 * 2xx, and the body comes), `settled`. Once the status is known it is the answer, whatever becomes of the body.
 */
export class Call {
  readonly id: number
  readonly request: ProviderRequest
  /** Its place on its connection. */
  readonly link = new Link<Call>(this)
  /** When it was taken in, then when it was sent; monotonic. */
  sinceMs: number
  /** How often it came back as not processed. */
  returns = 0
  /** The connection that it came back from last: another one is better. */
  returnedBy: CallOwner | undefined
  /** The header that it was sent with last. */
  authorization: string | undefined
  /** Why, in words; '' while nothing is wrong. */
  detail = ''
  readonly #taker: ProviderAnswerTaker
  #state: 'waiting' | 'sent' | 'answering' | 'settled' = 'waiting'
  #owner: CallOwner | undefined
  #stream: ClientHttp2Stream | undefined
  #status = 0
  #retryAfterMs: number | undefined
  #bodyBytes = 0
  #body: Buffer[] = []

  constructor(id: number, request: ProviderRequest, taker: ProviderAnswerTaker) {
    this.id = id
    this.request = request
    this.#taker = taker
    this.sinceMs = performance.now()
  }

  get isSettled(): boolean {
    return this.#state === 'settled'
  }

  /** Undefined: its connection has never taken it on. */
  get streamId(): number | undefined {
    return this.#stream?.id
  }

  get wasRefused(): boolean {
    return this.#stream?.rstCode === constants.NGHTTP2_REFUSED_STREAM
  }

  /** On a stream that has just been given its headers; the body goes with them. */
  send(stream: CallStream, owner: CallOwner): void {
    this.#state = 'sent'
    this.sinceMs = performance.now()
    this.#owner = owner
    this.#stream = stream
    stream.call = this
    // Functions of all streams rather than closures for each.
    stream.on('response', onResponse)
    stream.on('error', onError)
    stream.on('close', onClose)
    stream.end(this.request.body)
  }

  /** It was not processed, and waits again. */
  takeBack(from: CallOwner): void {
    this.#state = 'waiting'
    this.returns++
    this.returnedBy = from
    this.#owner = undefined
    this.#stream = undefined
  }

  /** Its time is up; also for a stream that is still open after the answer. */
  giveUp(): void {
    this.ended()
    this.fail('timeout', 'no answer within the request timeout')
    this.#stream?.close(constants.NGHTTP2_CANCEL)
  }

  fail(cause: NoResponse, detail: string): void {
    if (this.#state === 'settled') return
    this.#state = 'settled'
    this.#taker.failed(this.id, cause, detail, this.#durationUs())
  }

  responded(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, stream: CallStream): void {
    this.#owner?.answered()
    if (this.#state !== 'sent') {
      stream.resume()
      return
    }
    const status = headers[':status'] ?? 0
    if (status >= 200 && status < 300) {
      this.#state = 'settled'
      this.#taker.delivered(this.id, status, this.#durationUs())
      stream.resume()
      return
    }
    this.#state = 'answering'
    this.#status = status
    const retryAfter = headers['retry-after']
    if (typeof retryAfter === 'string') this.#retryAfterMs = retryAfterMs(retryAfter, Date.now())
    stream.on('data', onData)
    stream.on('end', onEnd)
  }

  received(chunk: Buffer): void {
    if (this.#state !== 'answering') return
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes <= maxBodyBytes) {
      this.#body.push(chunk)
      return
    }
    this.#answer()
    this.#stream?.close(constants.NGHTTP2_CANCEL)
  }

  /** The body is over, at its end or because the stream broke. */
  ended(): void {
    if (this.#state === 'answering') this.#answer()
  }

  closed(stream: ClientHttp2Stream): void {
    // One that it is no longer on does not matter.
    if (stream === this.#stream) this.#owner?.closed(this)
  }

  #answer(): void {
    this.#state = 'settled'
    const body = this.#bodyBytes > maxBodyBytes ? '' : Buffer.concat(this.#body).toString()
    this.#body = []
    const answer = { status: this.#status, retryAfterMs: this.#retryAfterMs, body }
    if (this.#taker.answered(this.id, answer, this.#durationUs(), this.authorization)) this.#owner?.replace()
  }

  #durationUs(): number {
    return Math.round((performance.now() - this.sinceMs) * 1000)
  }
}

function onResponse(this: CallStream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
  this.call?.responded(headers, this)
}

function onData(this: CallStream, chunk: Buffer): void {
  this.call?.received(chunk)
}

function onEnd(this: CallStream): void {
  this.call?.ended()
}

function onError(this: CallStream, error: Error): void {
  if (this.call !== undefined) this.call.detail = error.message
}

function onClose(this: CallStream): void {
  this.call?.closed(this)
}
