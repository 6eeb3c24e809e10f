/**
 * One HTTP/2 connection to a provider (RFC 9113). States:
 *
 * - `connecting`: TCP, TLS, and until the peer's SETTINGS: no request before them, since they say how many it takes
 * - `open`: takes requests, as many at a time as the peer allows at that moment
 * - `doubted`: requests went unanswered in silence: none more until it has answered a PING
 * - `draining`: the peer (GOAWAY) or the pool wants no further requests on it: those that were sent may end
 * - `closed`: nothing is on it any more, and it is forgotten
 *
 * A request that the peer says it has not processed (RFC 9113 §8.7: above a GOAWAY's last stream, or REFUSED_STREAM)
 * goes back to the pool. All others end here: with an answer, or in doubt.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type Settings,
} from 'node:http2'
import { isIP } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { Chain } from '../../core/chain.ts'
import type { ProviderTarget } from '../../core/gateway/provider-target.ts'
import { describeError } from '../describe-error.ts'
import type { Call, CallOwner } from './call.ts'
import { errorCodeName } from './error-codes.ts'

export interface SessionOwner {
  /** It takes more requests than before, or none any more. */
  changed(): void
  /** This request is to be sent elsewhere: it was not processed. */
  returned(call: Call): void
  /** It is of no more use. `opened`: it was, once. */
  closed(session: ProviderSession, opened: boolean, reason: string): void
}

type State = 'connecting' | 'open' | 'doubted' | 'draining' | 'closed'

/** Whatever the peer allows; more at a time would only be in doubt together. */
const maxStreams = 1000
/** Of a connection that is done, for its last words. */
const partingMs = 1000

export class ProviderSession implements CallOwner {
  /** Settled when its socket is closed. */
  readonly gone: Promise<void>
  readonly #target: ProviderTarget
  readonly #owner: SessionOwner
  readonly #socket: TLSSocket
  readonly #sinceMs = performance.now()
  #session: ClientHttp2Session | undefined
  #state: State = 'connecting'
  #opened = false
  #fruitful = false
  /** Those whose streams the peer may count as open, settled or not, in the order of sending. */
  readonly #calls = new Chain<Call>()
  #allowedStreams = 0
  /** Of a GOAWAY: streams above it were not processed. */
  #lastStream = Number.POSITIVE_INFINITY
  #heardMs = 0
  /** When the PING was sent that has not been answered; 0: there is none. */
  #pingedMs = 0
  #partingTimer: NodeJS.Timeout | undefined
  #reason = ''

  constructor(target: ProviderTarget, secureContext: SecureContext, owner: SessionOwner) {
    this.#target = target
    this.#owner = owner
    const { hostname, port } = new URL(target.origin)
    const host = hostname.replace(/^\[|\]$/g, '')
    this.#socket = tlsConnect({
      host,
      port: Number(port === '' ? 443 : port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      secureContext,
      ALPNProtocols: ['h2'],
    })
    this.#socket.setNoDelay(true)
    this.#socket.once('secureConnect', () => this.#speak())
    this.#socket.on('error', (error) => this.#end(describeError(error)))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gone = promise
    this.#socket.once('close', () => {
      this.#end('the connection was closed')
      resolve()
    })
  }

  /** Requests that it would take now. */
  get room(): number {
    if (this.#state !== 'open' || this.#session?.closed !== false) return 0
    return this.#allowedStreams - this.#calls.length
  }

  /** Requests that it takes at a time. */
  get streams(): number {
    return this.#state === 'open' ? this.#allowedStreams : 0
  }

  /** Counts towards the pool's connections: it takes requests, or may take them soon. */
  get counts(): boolean {
    return this.#state === 'connecting' || this.#state === 'open' || this.#state === 'doubted'
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  /** It has brought an answer. */
  get isFruitful(): boolean {
    return this.#fruitful
  }

  get isOpen(): boolean {
    return this.#opened && this.#state !== 'closed'
  }

  /** Only with room. */
  take(call: Call, authorization: string | undefined): void {
    const { path, headers } = call.request
    call.authorization = authorization
    let stream: ClientHttp2Stream | undefined
    try {
      stream = this.#session?.request({
        ':method': 'POST',
        ':path': path,
        ...headers,
        ...(authorization === undefined ? undefined : { authorization }),
      })
    } catch (error) {
      call.detail = describeError(error)
    }
    if (stream === undefined) {
      call.takeBack(this)
      this.#owner.returned(call)
      return
    }
    this.#calls.append(call.link)
    call.send(stream, this)
  }

  /** Ends what has taken too long: requests, the connection's making, a PING's answer. */
  sweep(nowMs: number): void {
    const { connectTimeoutMs, requestTimeoutMs, pongTimeoutMs, pingIntervalMs } = this.#target
    if (this.#state === 'connecting' && nowMs - this.#sinceMs >= connectTimeoutMs) {
      this.#end('no connection within the connect timeout')
    }
    if (!this.isOpen) return
    let late = false
    for (const call of this.#calls.members()) {
      if (nowMs - call.sinceMs < requestTimeoutMs) break
      call.giveUp()
      late = true
    }
    if (this.#pingedMs !== 0) {
      if (nowMs - this.#pingedMs >= pongTimeoutMs) this.#end('no answer to a PING')
      return
    }
    const silentMs = nowMs - this.#heardMs
    if (late && silentMs >= pongTimeoutMs && this.#state === 'open') this.#state = 'doubted'
    if (this.#state === 'doubted' || silentMs >= pingIntervalMs) this.#ping(nowMs)
  }

  /** No further requests; it goes when those that were sent have ended. */
  retire(reason: string): void {
    if (this.#state === 'connecting') this.#end(reason)
    else if (this.counts) {
      this.#state = 'draining'
      this.#reason = reason
      this.#owner.changed()
      this.#partWhenDone()
    }
  }

  /** Ends it, and whatever is still on it, with a GOAWAY if the peer takes one. */
  close(): Promise<void> {
    if ([...this.#calls.members()].some((call) => !call.isSettled)) this.#end('the pool was closed')
    else {
      this.retire('the pool was closed')
      this.#partSoon()
    }
    return this.gone
  }

  answered(): void {
    this.#fruitful = true
    this.#heardMs = performance.now()
  }

  closed(call: Call): void {
    const wasTaken = call.streamId !== undefined
    this.#conclude(call)
    // Out of stream numbers, or node:http2 has closed the session by itself.
    if (!wasTaken || this.#session?.closed === true) this.retire('the session was closed')
    if (this.room > 0) this.#owner.changed()
    this.#partWhenDone()
  }

  replace(): void {
    this.retire('replaced')
  }

  #speak(): void {
    if (this.#socket.alpnProtocol !== 'h2') {
      this.#end('the peer does not speak HTTP/2')
      return
    }
    const session = connect(this.#target.origin, {
      createConnection: () => this.#socket,
      settings: { enablePush: false },
    })
    this.#session = session
    session.on('remoteSettings', (settings) => this.#allowed(settings))
    session.on('goaway', (code, lastStream) => this.#goneAway(code, lastStream))
    // A session that fails closes, too; whoever does not listen for errors is thrown them.
    session.on('error', (error) => {
      this.#reason = describeError(error)
    })
    session.on('close', () => this.#end('the connection was closed'))
  }

  #allowed({ maxConcurrentStreams }: Settings): void {
    this.#heardMs = performance.now()
    this.#allowedStreams = Math.min(maxConcurrentStreams ?? maxStreams, maxStreams)
    if (this.#state === 'connecting') {
      this.#state = 'open'
      this.#opened = true
    }
    this.#owner.changed()
  }

  /** RFC 9113 §6.8. There may be several, the first with a last stream that is yet to be known. */
  #goneAway(code: number, lastStream: number): void {
    this.#heardMs = performance.now()
    this.#lastStream = Math.min(this.#lastStream, lastStream)
    const session = this.#session
    const someAreProcessed = [...this.#calls.members()].some(
      ({ streamId }) => streamId !== undefined && streamId <= lastStream,
    )
    if (code !== constants.NGHTTP2_NO_ERROR && session !== undefined && someAreProcessed) {
      // node:http2 goes on to destroy the session, and with it those whose answers are still to come.
      session.destroy = () => {
        Reflect.deleteProperty(session, 'destroy')
        session.close()
      }
    }
    this.retire(`GOAWAY ${errorCodeName(code)}`)
  }

  #ping(nowMs: number): void {
    if (this.#session?.destroyed !== false) return
    this.#pingedMs = nowMs
    this.#session.ping((error) => {
      if (error !== null) return
      this.#pingedMs = 0
      this.#heardMs = performance.now()
      if (this.#state !== 'doubted') return
      this.#state = 'open'
      this.#owner.changed()
    })
  }

  /** What became of a request whose stream is over. */
  #conclude(call: Call): void {
    call.link.leave()
    call.ended()
    if (call.isSettled) return
    const { streamId, wasRefused } = call
    if (streamId === undefined || streamId > this.#lastStream || wasRefused) {
      call.takeBack(this)
      this.#owner.returned(call)
    } else call.fail('connection_lost', call.detail || this.#reason || 'the stream was cut off')
  }

  #partWhenDone(): void {
    if (this.#state !== 'draining' || this.#calls.length > 0) return
    this.#session?.close()
    this.#partSoon()
  }

  /** Whatever the peer does. */
  #partSoon(): void {
    if (this.#state !== 'closed') this.#partingTimer ??= setTimeout(() => this.#end('parted'), partingMs)
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#reason ||= reason
    clearTimeout(this.#partingTimer)
    for (const call of this.#calls.members()) this.#conclude(call)
    this.#session?.destroy()
    // The session would wait for a peer that is gone to take its last words.
    this.#socket.destroy()
    this.#owner.closed(this, this.#opened, this.#reason)
  }
}
