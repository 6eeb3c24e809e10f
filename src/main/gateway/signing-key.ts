import { createPrivateKey, type KeyObject } from 'node:crypto'

/**
 * Reads a private key from PEM: for `ES256` one of the curve P-256, as in Apple's .p8 files; for `RS256` one of RSA, as
 * in a service account's file. A text instead says what is wrong with it, and quotes nothing of it.
 */
export function readSigningKey(pem: string, algorithm: 'ES256' | 'RS256'): KeyObject | string {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    return `holds no private key that can be read (${codeOf(error)})`
  }
  if (algorithm === 'RS256') return key.asymmetricKeyType === 'rsa' ? key : 'holds no RSA key'
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
  return curve === 'prime256v1' ? key : 'holds no key of the curve P-256'
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no PEM'
}
