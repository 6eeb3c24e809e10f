import type { SecureServerOptions } from 'node:http2'

/** The certificate of a listener, and the authorities of client certificates, for the TLS handshake. PEM texts. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  /** Authorities of clients' certificates; undefined: clients need none. */
  readonly clientCa: string | undefined
}

/** The same as options of Node.js: the handshake fails for a client without a required certificate. */
export function secureOptions({ cert, key, clientCa }: ServerCertificate): SecureServerOptions {
  return clientCa === undefined
    ? { cert, key }
    : { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true }
}
