import type { IncomingHttpHeaders } from 'node:http2'

/** A request as it came, before anyone has judged it. */
export interface RawProviderRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in their order: what is there twice is there twice. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly connection: {
    readonly number: number
    /** The common name of the client's certificate, where it showed one of the authority asked for. */
    readonly clientName: string | undefined
  }
}

/** A valid request. */
export interface ProviderRequest {
  /** The APNs device token, or the FCM registration token. */
  readonly deviceId: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
  /** Which connection it came on, from 0 in the order they came. */
  readonly connection: number
  /** The HTTP/2 stream of the connection. */
  readonly stream: number
  /** Milliseconds since the epoch, with fractions; the request was read whole. */
  readonly receivedAtMs: number
  /** What was answered; 0 as long as nothing was, and where nothing ever is. */
  status: number
  /** False: the provider has said (GOAWAY, REFUSED_STREAM) that it did nothing with it. */
  processed: boolean
}

/** What became of a request before a device was asked: `push` is valid. */
export type Judgement =
  | { readonly kind: 'push'; readonly deviceId: string; readonly body: Record<string, unknown> }
  | { readonly kind: 'refused'; readonly answer: ProviderAnswer }

export interface ProviderAnswer {
  /**
   * HTTP status, or:
   *
   * - `hang`: never answered
   * - `reset`: RST_STREAM with INTERNAL_ERROR
   * - `refused`: RST_STREAM with REFUSED_STREAM: not processed
   * - `cut`: the connection is reset under the request
   */
  readonly status: number | 'hang' | 'reset' | 'refused' | 'cut'
  /** A string goes out as it is, anything else as JSON; left out: no body. */
  readonly body?: unknown
  /** The body has begun, and never ends. */
  readonly unfinished?: boolean | undefined
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly delayMs?: number | undefined
}

/** Decides an answer; undefined leaves the request to the device-name rules. */
export type AnswerRule = (request: ProviderRequest) => ProviderAnswer | undefined

/** A request refused as not valid. */
export interface RefusedRequest {
  readonly path: string
  readonly status: number
  readonly body: string
}
