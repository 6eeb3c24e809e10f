import type { KeyObject } from 'node:crypto'
import { keyFaultTexts, readPrivateKey } from './pem.ts'

type Algorithm = 'ES256' | 'RS256'

/** Reads a private key from PEM that is not encrypted. A text instead says what is wrong with it, and quotes nothing of it. */
export function readSigningKey(text: string, algorithm: Algorithm): KeyObject | string {
  const key = readPrivateKey(text, undefined)
  if (typeof key === 'string') return keyFaultTexts[key]
  return signingKeyFault(key, algorithm) ?? key
}

/**
 * Why a key is not one for the algorithm: for `ES256` one of the curve P-256, as in Apple's .p8 files; for `RS256` one of
 * RSA, as in a service account's file.
 */
export function signingKeyFault(key: KeyObject, algorithm: Algorithm): string | undefined {
  if (algorithm === 'RS256') return key.asymmetricKeyType === 'rsa' ? undefined : 'holds no RSA key'
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
  return curve === 'prime256v1' ? undefined : 'holds no key of the curve P-256'
}
