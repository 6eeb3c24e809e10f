/** A throw-away certificate authority: its key lives as long as the process. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import {
  bitString,
  boolean,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from './der.ts'

/** PEM texts. */
export interface IssuedCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** DNS names and IPv4 addresses that it is for; default: none. */
  readonly names?: readonly string[] | undefined
  /** Default: an hour ago. */
  readonly notBefore?: Date | undefined
  /** Default: in ten years. */
  readonly notAfter?: Date | undefined
}

/** A certificate, and the authority to trust it by. */
export interface OwnCertificate extends IssuedCertificate {
  readonly ca: string
}

/** For servers on this machine. */
export function localhostCertificate(authority: Authority = new Authority()): OwnCertificate {
  const names = ['localhost', '127.0.0.1']
  return { ...authority.issue({ commonName: 'localhost', names }), ca: authority.ca }
}

const hourMs = 3_600_000
const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))

export class Authority {
  /** Its own certificate, as PEM. */
  readonly ca: string
  readonly #name: string
  readonly #key: KeyObject

  constructor() {
    const { publicKey, privateKey } = newKey()
    // Two of one name would be taken for each other.
    this.#name = `sandbox authority ${randomBytes(4).toString('hex')}`
    this.#key = privateKey
    const isAuthority = extension('2.5.29.19', true, sequence(boolean(true)))
    this.ca = this.#sign({ commonName: this.#name }, publicKey, isAuthority)
  }

  issue(request: CertificateRequest): IssuedCertificate {
    const { publicKey, privateKey } = newKey()
    const { names = [] } = request
    const extensions = names.length > 0 ? [extension('2.5.29.17', false, sequence(...names.map(nameOf)))] : []
    return {
      cert: this.#sign(request, publicKey, ...extensions),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  /** RFC 5280 §4.1 */
  #sign(request: CertificateRequest, publicKey: KeyObject, ...extensions: readonly Buffer[]): string {
    const notBefore = request.notBefore ?? new Date(Date.now() - hourMs)
    const notAfter = request.notAfter ?? new Date(Date.now() + 10 * 365 * 24 * hourMs)
    const toBeSigned = sequence(
      tagged(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      distinguishedName(this.#name),
      sequence(time(notBefore), time(notAfter)),
      distinguishedName(request.commonName),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length > 0 ? [tagged(0xa3, sequence(...extensions))] : []),
    )
    const signature = sign('sha256', toBeSigned, this.#key)
    return pem(sequence(toBeSigned, ecdsaWithSha256, bitString(signature)))
  }
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), utf8String(commonName))))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(value))
}

/** RFC 5280 §4.2.1.6 */
function nameOf(name: string): Buffer {
  return isIP(name) === 4
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
