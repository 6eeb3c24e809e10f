/** The files that vouch for us at push providers, read and checked. A fault never quotes what they hold. */
import type { KeyObject } from 'node:crypto'
import { readServiceAccount, type ServiceAccount } from '../../core/fcm/service-account.ts'
import { keyFaultTexts, orderedChain, readPrivateKey } from '../gateway/pem.ts'
import { readSigningKey, signingKeyFault } from '../gateway/signing-key.ts'
import { type CheckedIdentity, readPemIdentity, readPfxIdentity } from '../gateway/tls-identity.ts'
import { SecretContent } from '../secret.ts'
import type { Faults } from './faults.ts'
import { certificatesIn, readBytes, readToken, refuse, textOf } from './files.ts'

/** What a service account file holds. */
export interface FcmAccount {
  readonly account: ServiceAccount
  readonly privateKey: KeyObject
}

/** The `universe_domain` of Google's public cloud; other clouds have other addresses. */
const usualUniverse = 'googleapis.com'

/**
 * Undefined where there is a fault. `path`: of the key that names the file; `hasEndpoint`: the configuration sets `endpoint`,
 * which other clouds require.
 */
export function readFcmAccount(
  file: string,
  path: string,
  hasEndpoint: boolean,
  faults: Faults,
): SecretContent<FcmAccount> | undefined {
  const bytes = readBytes(file, path, faults)
  if (bytes === undefined) return undefined
  const allowed = 'the JSON file of a service account’s key, from the Firebase console'
  const account = readServiceAccount(textOf(bytes))
  if (typeof account === 'string') return refuse(faults, path, file, account, allowed)
  const fault = accountFault(account)
  if (fault !== undefined) return refuse(faults, path, file, fault, allowed)
  if (account.universeDomain !== usualUniverse && !hasEndpoint) {
    const why = `has the universe_domain ${JSON.stringify(account.universeDomain)}`
    return refuse(
      faults,
      path,
      file,
      why,
      `${usualUniverse}; for another, set endpoint to the address of FCM there`,
    )
  }
  const privateKey = readSigningKey(account.privateKey, 'RS256')
  if (typeof privateKey === 'string') {
    return refuse(faults, path, file, `has a private_key that ${privateKey}`, allowed)
  }
  return new SecretContent({ account, privateKey }, [bytes])
}

function accountFault({ clientEmail, tokenUri }: ServiceAccount): string | undefined {
  if (!/^[^\s@]+@[^\s@]+$/.test(clientEmail)) return 'has an invalid client_email'
  return URL.canParse(tokenUri) ? undefined : 'has an invalid token_uri'
}

/** An APNs key (.p8), and the passphrase where it is encrypted. */
export function readApnsKey(
  named: NamedFile,
  passphrase: NamedFile,
  faults: Faults,
): SecretContent<KeyObject> | undefined {
  const bytes = readBytes(named.file, named.path, faults)
  const secret = readPassphrase(passphrase, faults)
  if (bytes === undefined || secret === undefined) return undefined
  const allowed = 'the .p8 file of an APNs key, from the Apple developer account'
  const key = openKey(textOf(bytes), named, passphrase, secret, allowed, faults)
  if (key === undefined) return undefined
  const fault = signingKeyFault(key, 'ES256')
  return fault === undefined
    ? new SecretContent(key, [bytes])
    : refuse(faults, named.path, named.file, fault, allowed)
}

/** What a certificate's files are called in the configuration: their keys' paths, and what stands there. */
export interface IdentityFiles {
  readonly cert: NamedFile
  readonly key: NamedFile
  readonly passphrase: NamedFile
  /** Whether a .p12 file is accepted, too. */
  readonly takesPfx: boolean
}

export interface NamedFile {
  readonly path: string
  /** '': none. */
  readonly file: string
}

/** A certificate with its chain, in any order, and its key: PEM, or .p12. */
export function readIdentity(
  { cert, key, passphrase, takesPfx }: IdentityFiles,
  faults: Faults,
): SecretContent<CheckedIdentity> | undefined {
  const certificate = readBytes(cert.file, cert.path, faults)
  const secret = readPassphrase(passphrase, faults)
  if (certificate === undefined || secret === undefined) return undefined
  const text = textOf(certificate)
  if (takesPfx && key.file === '' && !text.includes('-----BEGIN ')) {
    return readPfx(certificate, cert, secret, faults)
  }
  if (key.file === '') {
    faults.add(key.path, 'is missing, allowed: the PEM file of the certificate’s key, which may be the same')
    return undefined
  }
  const keyBytes = readBytes(key.file, key.path, faults)
  if (keyBytes === undefined) return undefined
  const certificates = certificatesIn(text)
  if (typeof certificates === 'string')
    return refuse(faults, cert.path, cert.file, certificates, 'a PEM file')
  const privateKey = openKey(
    textOf(keyBytes),
    key,
    passphrase,
    secret,
    'a PEM file with a private key',
    faults,
  )
  if (privateKey === undefined) return undefined
  const chain = orderedChain(certificates, privateKey)
  if (chain === undefined) {
    const why = `holds a key that is not that of a certificate in ${JSON.stringify(cert.file)}`
    return refuse(faults, key.path, key.file, why, 'the key of the certificate')
  }
  const identity = readPemIdentity(chain, String(privateKey.export({ type: 'pkcs8', format: 'pem' })))
  return typeof identity === 'string'
    ? refuse(faults, cert.path, cert.file, identity, 'a PEM certificate and its key')
    : new SecretContent(identity, [certificate, keyBytes])
}

/** '' where the configuration names none; undefined, with a fault, where the file cannot be read. */
function readPassphrase({ path, file }: NamedFile, faults: Faults): string | undefined {
  return file === '' ? '' : readToken(file, path, faults)?.reveal()
}

function readPfx(
  pfx: Buffer,
  cert: NamedFile,
  passphrase: string,
  faults: Faults,
): SecretContent<CheckedIdentity> | undefined {
  const identity = readPfxIdentity(pfx, passphrase === '' ? undefined : passphrase)
  return typeof identity === 'string'
    ? refuse(faults, cert.path, cert.file, identity, 'PEM, or a .p12 file and its passphrase_file')
    : new SecretContent(identity, [pfx, Buffer.from(passphrase)])
}

/** `secret`: what the passphrase file holds; '' without one. */
function openKey(
  text: string,
  key: NamedFile,
  passphrase: NamedFile,
  secret: string,
  allowed: string,
  faults: Faults,
): KeyObject | undefined {
  const opened = readPrivateKey(text, secret === '' ? undefined : secret)
  if (typeof opened !== 'string') return opened
  switch (opened) {
    case 'encrypted':
      return refuse(faults, key.path, key.file, keyFaultTexts[opened], `its passphrase in ${passphrase.path}`)
    case 'not-encrypted':
      faults.add(
        passphrase.path,
        `is given, but ${JSON.stringify(key.file)} ${keyFaultTexts[opened]}, allowed: an encrypted key, or no passphrase_file`,
      )
      return undefined
    case 'wrong-passphrase': {
      const why = `is not the passphrase of ${JSON.stringify(key.file)}`
      return refuse(faults, passphrase.path, passphrase.file, why, 'the one that the key was encrypted with')
    }
    case 'none':
    case 'unreadable':
      return refuse(faults, key.path, key.file, keyFaultTexts[opened], allowed)
  }
}
