/** How a provider is reached. Plain data: the main thread knows it, the workers do it. */

export interface ProviderTarget {
  /** `https://host:port` */
  readonly origin: string
  /** Connections at most that take requests; those that only wait for their last answers come on top. */
  readonly connections: number
  /** For a place on a connection, and then again for the answer, from sent to its end. */
  readonly requestTimeoutMs: number
  /** For TCP, TLS and the peer's SETTINGS. */
  readonly connectTimeoutMs: number
  /** A connection on which nothing came for this long is asked (PING) whether it still lives. */
  readonly pingIntervalMs: number
  /** One that does not say so within this time does not. */
  readonly pongTimeoutMs: number
  /** Whether requests need an `Authorization`: false where a certificate stands for it. */
  readonly authorized: boolean
  readonly tls: ProviderTls
}

export interface ProviderTls {
  /** PEM of authorities trusted besides the system's; undefined: none. */
  readonly ca: string | undefined
  /** What we show; undefined: nothing. */
  readonly identity: TlsIdentity | undefined
}

export type TlsIdentity =
  /** PEM texts. */
  | { readonly kind: 'pem'; readonly cert: string; readonly key: string }
  /** PKCS #12. */
  | { readonly kind: 'pfx'; readonly pfx: Uint8Array; readonly passphrase: string | undefined }

/** What vouches for us in each request. */
export interface Authorization {
  /** The `authorization` header's value. */
  readonly header: string
  /** Whose it is (a team, an account): a connection never speaks for two. */
  readonly owner: string
}
