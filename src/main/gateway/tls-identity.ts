import type { X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { TlsIdentity } from '../../core/gateway/provider-target.ts'

/** A certificate of ours with its key, found to be in order. */
export interface CheckedIdentity {
  readonly identity: TlsIdentity
  /** Of the certificate's subject, such as `Apple Push Services: com.example.app`; '' when it has none. */
  readonly commonName: string
  /** Milliseconds since the epoch. */
  readonly validFromMs: number
  readonly expiresAtMs: number
}

/** PEM texts. A text instead says what is wrong, and quotes nothing of the key. */
export function readPemIdentity(cert: string, key: string): CheckedIdentity | string {
  return check({ kind: 'pem', cert, key })
}

/** The bytes of a .p12 file (PKCS #12). A text instead says what is wrong. */
export function readPfxIdentity(pfx: Uint8Array, passphrase: string | undefined): CheckedIdentity | string {
  return check({ kind: 'pfx', pfx, passphrase })
}

function check(identity: TlsIdentity): CheckedIdentity | string {
  let certificate: X509Certificate | undefined
  try {
    certificate = shownCertificate(identity)
  } catch (error) {
    return faultOf(error)
  }
  if (certificate === undefined) return 'holds no certificate'
  const [, commonName = ''] = /^CN=(.*)$/m.exec(certificate.subject) ?? []
  return {
    identity,
    commonName,
    validFromMs: certificate.validFromDate.getTime(),
    expiresAtMs: certificate.validToDate.getTime(),
  }
}

/** What a connection would show: only OpenSSL looks into a .p12, and sees whether key and certificate fit. */
function shownCertificate(identity: TlsIdentity): X509Certificate | undefined {
  const secureContext = createSecureContext(
    identity.kind === 'pem'
      ? { cert: identity.cert, key: identity.key }
      : {
          pfx: Buffer.from(identity.pfx),
          ...(identity.passphrase === undefined ? {} : { passphrase: identity.passphrase }),
        },
  )
  const socket = new TLSSocket(new Socket(), { secureContext })
  try {
    return socket.getX509Certificate()
  } finally {
    socket.destroy()
  }
}

/** OpenSSL's words, with what to do about those that are met in practice. */
function faultOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error)
  if (/mac verify failure/i.test(words)) return 'cannot be opened: the passphrase is wrong or missing'
  if (/unsupported pkcs12/i.test(words)) {
    return (
      'is encrypted in a way that OpenSSL 3 no longer reads; convert it: ' +
      'openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW'
    )
  }
  if (/key values mismatch/i.test(words)) return 'holds a key that is not the certificate’s'
  return `cannot be used (${words})`
}
