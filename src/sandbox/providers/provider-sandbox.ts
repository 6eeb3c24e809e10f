import type { IssuedCertificate, OwnCertificate } from './authority.ts'
import type { AnswerRule, ProviderAnswer, ProviderRequest, RefusedRequest } from './provider-request.ts'
import type { Wire } from './wire.ts'

export interface ProviderSandboxOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Default: one for localhost, of an authority of its own. */
  readonly tls?: IssuedCertificate | OwnCertificate | undefined
  /** PEM of the authority whose client certificates are taken; default: none is asked for. */
  readonly clientCa?: string | undefined
  /** Every valid request is answered this much later; default 0. */
  readonly latencyMs?: number | undefined
  /** Streams that a connection may have open; default 1000. */
  readonly maxStreams?: number | undefined
  /** How many requests `requests` remembers, the newest; default 10 000. */
  readonly keep?: number | undefined
  /** Default true; false: no wire in front (nothing that breaks, and nothing that costs), for benchmarks. */
  readonly wire?: boolean | undefined
  /** Called for each valid request when its answer goes out (at once where none ever does). */
  readonly onRequest?: ((request: ProviderRequest, answer: ProviderAnswer) => void) | undefined
}

/** A push provider, and all that can go wrong with one. */
export interface ProviderSandbox extends AsyncDisposable {
  /** Origin, such as `https://localhost:2197`. */
  readonly url: string
  readonly port: number
  /** PEM of the authority to trust; undefined when the caller gave a certificate without one. */
  readonly ca: string | undefined

  /** Valid requests in the order they came; the oldest are forgotten past `keep`. The caller may empty it. */
  readonly requests: ProviderRequest[]
  /** All valid requests so far. */
  readonly total: number
  /** Requests refused as not valid, at most the first 1 000. */
  readonly refused: readonly RefusedRequest[]
  /** Breaches of HTTP/2 by clients (too many streams, …), in the words of nghttp2, at most the first 1 000. */
  readonly breaches: readonly string[]
  /** The first `count` of `requests`, once it holds that many. Rejects after `timeoutMs` (default 10 000). */
  next(count: number, timeoutMs?: number): Promise<ProviderRequest[]>
  /** Settled once it holds: it is asked at once, and whenever something has come or gone here. */
  until(what: string, holds: () => boolean, timeoutMs?: number): Promise<true>

  /** Who answers valid requests from now on; undefined: the device-name rules alone. */
  answerWith(rule: AnswerRule | undefined): void
  /** From now on valid requests wait for `release`. */
  hold(): void
  /** Answers what waits, `count` of it (default: all, and from now on at once). */
  release(count?: number): void
  readonly held: number

  /** Connections that have got as far as HTTP/2: now, and ever. */
  readonly connections: number
  readonly connectionsMade: number
  /** Of all connections together. */
  readonly openStreams: number
  /** The most streams that any one connection had open at a time. */
  readonly mostStreams: number
  /** PINGs that came. */
  readonly pings: number
  /** SETTINGS_MAX_CONCURRENT_STREAMS, on the connections that are there and those to come. */
  setMaxStreams(count: number): void
  /** Settled once every client has acknowledged them. */
  settingsTaken(): Promise<void>
  /**
   * GOAWAY on the connections that are there. `all`: what has come is, or will be, processed; `answered`: only what
   * is up to the last stream answered; the rest never will be. `code`: default NO_ERROR.
   */
  goAway(processed: 'all' | 'answered', code?: number): void
  /** GOAWAY before any stream, on each connection to come; as APNs does when it does not like a certificate. */
  goAwayAtOnce: boolean

  /** What is between the clients and it, and may break. */
  readonly wire: Wire
  /** Shown to new connections: an expired one, one of an unknown authority, … */
  useCertificate(certificate: IssuedCertificate): void

  /** Cuts every connection and stops listening. */
  close(): Promise<void>
}
