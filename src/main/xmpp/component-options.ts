import type { ParserLimits } from './stream-parser.ts'

/** One domain and the server that it is a component of. Checked and complete: no defaults are filled in here. */
export interface ComponentOptions extends ComponentTimes {
  readonly domain: string
  /** `host:port`, `[IPv6]:port` or `unix:/path`. */
  readonly server: string
  /** The kind of server, for requirements beyond XEP-0114. */
  readonly serverKind: ServerKind
  readonly secret: string
  /** Streams to hold open, at least 1. Where the server takes only one, the others stand by. */
  readonly connections: number
  /** Direct TLS; undefined: none. `ca`: PEM text that replaces the built-in authorities. */
  readonly tls: undefined | { readonly ca: string | undefined; readonly verify: boolean }
  readonly limits: ParserLimits
  /** What one stream holds for a server that does not read; past it the stream is dead. */
  readonly maxUnsentBytes: number
}

/** `openfire`: several streams of one component only where the stream header asks for them. */
export type ServerKind = 'standard' | 'openfire'

export interface ComponentTimes {
  /** The time from the first packet until the server's `<handshake/>`; it doubles after each timeout, up to the cap. */
  readonly handshakeTimeoutMs: number
  readonly handshakeTimeoutCapMs: number
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  /** The first pause between two attempts to connect, after one at once; it doubles up to the cap. */
  readonly reconnectBaseMs: number
  readonly reconnectCapMs: number
  /** Between two attempts while another daemon holds the domain. */
  readonly standbyMs: number
  /** How long a closed stream waits for the server to close it too. */
  readonly closeTimeoutMs: number
}

export const componentDefaults = {
  maxUnsentBytes: 16 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  // A server that starts with a thousand clients answers late, and even later if the handshake is repeated.
  handshakeTimeoutCapMs: 60_000,
  // Together under the 32 s in which ejabberd waits for an answer.
  pingIntervalMs: 15_000,
  pingTimeoutMs: 10_000,
  reconnectBaseMs: 500,
  reconnectCapMs: 15_000,
  closeTimeoutMs: 1_000,
} as const satisfies Partial<ComponentOptions>
