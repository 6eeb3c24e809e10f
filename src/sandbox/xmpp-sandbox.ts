import type { SandboxElement } from './element.ts'

export interface XmppSandboxOptions {
  /** Component domains and their secrets. */
  readonly domains: Readonly<Record<string, string>>
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Listens there instead of on a port. */
  readonly unixPath?: string | undefined
  /** PEM texts; with them it expects TLS from the first byte, like ejabberd. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /**
   * What a further stream of a domain gets: its share of the requests (ejabberd), `conflict` (Prosody), or what MongooseIM has
   * for it: `conflict`, too, but both are accepted when the handshake of the one comes while that of the other is being
   * accepted, and while there are both nothing is routed to the domain.
   */
  readonly secondStream?: 'balance' | 'conflict' | 'MongooseIM' | undefined
  /** How long MongooseIM needs to accept a handshake: it looks for another stream first, and then inserts this one. Default 5. */
  readonly raceMs?: number | undefined
  /** Reads so much of each stream in a second and no more, as MongooseIM's shapers do: 50,000 by default there. */
  readonly readBytesPerSecond?: number | undefined
  /** Stanzas sent in the same write as `<handshake/>`, as Prosody does; by domain. */
  readonly withHandshake?: ((domain: string) => string) | undefined
  /** How many stanzas `received` remembers, the newest; default 100 000. */
  readonly keep?: number | undefined
  /** Sees each stanza: `in` from the component, `out` to it (what one `send` or `request` sent, in one). */
  readonly onStanza?: ((stanza: PassedStanza) => void) | undefined
  /** Sees what makes and ends streams: opening tags, handshakes, stream errors, closing tags. */
  readonly onStreamTag?: ((tag: StreamTag) => void) | undefined
}

export interface StreamTag {
  /** Connections are numbered from 0 in the order they came. */
  readonly connection: number
  readonly xml: string
  readonly direction: 'in' | 'out'
}

export interface PassedStanza {
  readonly domain: string
  readonly stream: number
  readonly xml: string
  readonly direction: 'in' | 'out'
}

export interface ReceivedStanza {
  readonly domain: string
  readonly stream: number
  readonly xml: string
}

/** A stream that is over; `ended`: with `</stream:stream>`; `error`: by a stream error from here; else cut. */
export interface ClosedStream {
  readonly domain: string
  readonly stream: number
  readonly reason: 'ended' | 'error' | 'cut'
}

/** Streams are numbered per domain from 0 in the order they opened; a number is never used again. */
export interface XmppSandbox extends AsyncDisposable {
  /** 0 when listening on a path. */
  readonly port: number
  /** All that the component sent, oldest first. The caller may empty it. */
  readonly received: ReceivedStanza[]
  readonly closed: ClosedStream[]
  /** While true nothing is answered, routed or looped back any more: a half-open peer. */
  blackHole: boolean

  streamCount(domain: string): number
  /** How many streams of a domain have ever been opened. */
  openedCount(domain: string): number
  /** Resolves once exactly so many are open. */
  waitForStreams(domain: string, count: number, timeoutMs?: number): Promise<void>
  /** The first stanza of `received` that fits, at once or when it comes. */
  waitFor(fits: (stanza: ReceivedStanza) => boolean, timeoutMs?: number): Promise<ReceivedStanza>

  /** Sends an IQ to the domain on the next stream in turn (or the given one); the answer with its id. */
  request(domain: string, iq: string, options?: RequestOptions): Promise<SandboxElement>
  /** The same with many, all in one write. */
  requestAll(domain: string, iqs: readonly string[], options?: RequestOptions): Promise<SandboxElement[]>
  /** Raw text or bytes to the next stream in turn, or to the given one. */
  send(domain: string, xml: string | Uint8Array, stream?: number): void

  /** Ends streams with a stream error. */
  failStreams(condition: string, domain?: string): void
  /** Cuts connections, of all domains or one, without a word. */
  dropStreams(domain?: string): void
  /** Stops and resumes reading from the component. */
  pauseReading(): void
  resumeReading(): void
  /** Closes the listening socket; open streams stay. */
  refuseConnections(): Promise<void>
  /** Listens again, on the same port or path. */
  acceptConnections(): Promise<void>
  close(): Promise<void>
}

export interface RequestOptions {
  readonly stream?: number | undefined
  /** Default 10 000. */
  readonly timeoutMs?: number | undefined
}
