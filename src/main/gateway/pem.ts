/**
 * Reads PEM in the forms that occur in practice: with line feeds written as `\n`, on one line, with text around it. Fault
 * texts never quote a key.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY` … */
  readonly label: string
  /** With line breaks, as OpenSSL requires. */
  readonly pem: string
  /** Whether the key is encrypted with a passphrase. */
  readonly isEncrypted: boolean
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs
/** The header of a key that is encrypted in the old format (RFC 1421 §4.6). */
const encryption = /^\s*Proc-Type: *4, *ENCRYPTED\s+DEK-Info: *(\S+)\s+/

function blocksOf(text: string): PemBlock[] {
  const unescaped = text.replaceAll(/\\r\\n|\\n|\\r/g, '\n')
  return [...unescaped.matchAll(block)].map(([, label = '', body = '']) => {
    const [head = '', cipher] = encryption.exec(body) ?? []
    const header = cipher === undefined ? '' : `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${cipher}\n\n`
    const lines =
      body
        .slice(head.length)
        .replaceAll(/\s/g, '')
        .match(/.{1,64}/g) ?? []
    return {
      label,
      pem: `-----BEGIN ${label}-----\n${header}${lines.join('\n')}\n-----END ${label}-----\n`,
      isEncrypted: cipher !== undefined || label === 'ENCRYPTED PRIVATE KEY',
    }
  })
}

/** All certificates of a text, in order; an empty list if there is none in PEM. @throws if one cannot be read */
export function readCertificates(text: string): X509Certificate[] {
  return blocksOf(text)
    .filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')
    .map(({ pem }) => new X509Certificate(pem))
}

/** Why a private key cannot be read. */
export type KeyFault = 'none' | 'unreadable' | 'encrypted' | 'not-encrypted' | 'wrong-passphrase'

export const keyFaultTexts = {
  none: 'holds no private key in PEM',
  unreadable: 'holds no private key that can be read',
  encrypted: 'holds a key that is encrypted',
  'not-encrypted': 'holds a key that is not encrypted',
  'wrong-passphrase': 'cannot be opened: the passphrase is wrong',
} satisfies Record<KeyFault, string>

/** The first private key of a text. `passphrase`: of an encrypted key; undefined: the key is not encrypted. */
export function readPrivateKey(text: string, passphrase: string | undefined): KeyObject | KeyFault {
  const found = blocksOf(text).find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (found === undefined) return 'none'
  const { pem, isEncrypted } = found
  if (isEncrypted !== (passphrase !== undefined)) return isEncrypted ? 'encrypted' : 'not-encrypted'
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
  } catch {
    // OpenSSL does not always distinguish the two.
    return isEncrypted ? 'wrong-passphrase' : 'unreadable'
  }
}

/**
 * A certificate chain in the order of TLS, in PEM: the certificate of this key first, each followed by its issuer, and
 * unrelated certificates last. Undefined: no certificate belongs to the key.
 */
export function orderedChain(certificates: readonly X509Certificate[], key: KeyObject): string | undefined {
  const rest = [...certificates]
  const ordered: X509Certificate[] = []
  for (let at = rest.findIndex((one) => one.checkPrivateKey(key)); at >= 0; ) {
    const [next] = rest.splice(at, 1)
    if (next === undefined) break
    ordered.push(next)
    at = rest.findIndex((one) => next.checkIssued(one))
  }
  if (ordered.length === 0) return undefined
  return [...ordered, ...rest].map((certificate) => certificate.toString()).join('')
}
