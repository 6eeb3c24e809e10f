/** The files that vouch for us at push providers, read and checked. A fault never quotes what they hold. */
import type { KeyObject } from 'node:crypto'
import { readServiceAccount, type ServiceAccount } from '../../core/fcm/service-account.ts'
import { readSigningKey } from '../gateway/signing-key.ts'
import { type CheckedIdentity, readPemIdentity, readPfxIdentity } from '../gateway/tls-identity.ts'
import { SecretContent } from '../secret.ts'
import type { Faults } from './faults.ts'
import { readBytes, readToken } from './files.ts'

/** What a service account file holds. */
export interface FcmAccount {
  readonly account: ServiceAccount
  readonly privateKey: KeyObject
}

/** Undefined where there is a fault. `path`: of the key that names the file. */
export function readFcmAccount(
  file: string,
  path: string,
  faults: Faults,
): SecretContent<FcmAccount> | undefined {
  const bytes = readBytes(file, path, faults)
  if (bytes === undefined) return undefined
  const allowed = 'the JSON file of a service account’s key, from the Firebase console'
  const account = readServiceAccount(bytes.toString())
  if (typeof account === 'string') return refuse(faults, path, file, account, allowed)
  const fault = accountFault(account)
  if (fault !== undefined) return refuse(faults, path, file, fault, allowed)
  const privateKey = readSigningKey(account.privateKey, 'RS256')
  if (typeof privateKey === 'string') {
    return refuse(faults, path, file, `has a private_key that ${privateKey}`, allowed)
  }
  return new SecretContent({ account, privateKey }, [bytes])
}

/** Those of old begin with a domain: `example.com:project`. */
const projectId = /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/

function accountFault({ projectId: id, clientEmail, tokenUri }: ServiceAccount): string | undefined {
  if (!projectId.test(id)) return 'has a project_id that is none'
  if (!/^[^\s@]+@[^\s@]+$/.test(clientEmail)) return 'has a client_email that is none'
  return URL.canParse(tokenUri) ? undefined : 'has a token_uri that is none'
}

/** An APNs key (.p8). */
export function readApnsKey(
  file: string,
  path: string,
  faults: Faults,
): SecretContent<KeyObject> | undefined {
  const bytes = readBytes(file, path, faults)
  if (bytes === undefined) return undefined
  const key = readSigningKey(bytes.toString(), 'ES256')
  return typeof key === 'string'
    ? refuse(faults, path, file, key, 'the .p8 file of an APNs key, from the Apple developer account')
    : new SecretContent(key, [bytes])
}

/** What a certificate's files are called in the configuration: their keys' paths, and what stands there. */
export interface IdentityFiles {
  readonly cert: NamedFile
  readonly key: NamedFile
  /** Undefined: a .p12 file is not taken. */
  readonly passphrase: NamedFile | undefined
}

interface NamedFile {
  readonly path: string
  /** '': none. */
  readonly file: string
}

/** A certificate with its key: PEM, or .p12. */
export function readIdentity(
  { cert, key, passphrase }: IdentityFiles,
  faults: Faults,
): SecretContent<CheckedIdentity> | undefined {
  const certificate = readBytes(cert.file, cert.path, faults)
  if (certificate === undefined) return undefined
  if (passphrase !== undefined && key.file === '' && !isPem(certificate)) {
    return readPfx(certificate, cert, passphrase, faults)
  }
  if (passphrase !== undefined && passphrase.file !== '') {
    faults.add(passphrase.path, 'is given for a file that is no .p12, allowed: a key that is not encrypted')
    return undefined
  }
  if (key.file === '') {
    faults.add(key.path, 'is missing, allowed: the PEM file of the certificate’s key, which may be the same')
    return undefined
  }
  const privateKey = readBytes(key.file, key.path, faults)
  if (privateKey === undefined) return undefined
  if (!isPem(certificate)) {
    return refuse(faults, cert.path, cert.file, 'holds no certificate in PEM', 'a PEM file')
  }
  const fault = keyFault(privateKey)
  if (fault !== undefined) return refuse(faults, key.path, key.file, fault, 'a PEM file with a private key')
  const identity = readPemIdentity(certificate.toString(), privateKey.toString())
  return typeof identity === 'string'
    ? refuse(faults, cert.path, cert.file, identity, 'a PEM certificate and its key')
    : new SecretContent(identity, [certificate, privateKey])
}

function readPfx(
  pfx: Buffer,
  cert: NamedFile,
  passphrase: NamedFile,
  faults: Faults,
): SecretContent<CheckedIdentity> | undefined {
  const secret = passphrase.file === '' ? undefined : readToken(passphrase.file, passphrase.path, faults)
  if (passphrase.file !== '' && secret === undefined) return undefined
  const identity = readPfxIdentity(pfx, secret?.reveal())
  return typeof identity === 'string'
    ? refuse(faults, cert.path, cert.file, identity, 'PEM, or a .p12 file and its passphrase_file')
    : new SecretContent(identity, [pfx, Buffer.from(secret?.reveal() ?? '')])
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN CERTIFICATE-----')
}

function keyFault(bytes: Buffer): string | undefined {
  if (bytes.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')) return 'holds a key that is encrypted'
  return bytes.includes('PRIVATE KEY-----') ? undefined : 'holds no private key in PEM'
}

function refuse(faults: Faults, path: string, file: string, why: string, allowed: string): undefined {
  faults.add(path, `names ${JSON.stringify(file)}, which ${why}, allowed: ${allowed}`)
}
