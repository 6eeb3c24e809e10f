import type { SecureServerOptions } from 'node:http2'

/** What a listener shows, and asks of clients, in the TLS handshake. PEM texts. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  /** Authorities of clients' certificates; undefined: clients need none. */
  readonly clientCa: string | undefined
}

/** The same for Node.js: a client without a certificate that is asked for gets no further than the handshake. */
export function secureOptions({ cert, key, clientCa }: ServerCertificate): SecureServerOptions {
  return clientCa === undefined
    ? { cert, key }
    : { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true }
}
