import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { ProviderTls } from '../../core/gateway/provider-target.ts'

/**
 * Made once per pool: reading a hundred system authorities takes longer than a handshake.
 *
 * @throws Error when a certificate or a key cannot be read
 */
export function secureContextFor({ ca, identity }: ProviderTls): SecureContext {
  const trust = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }
  switch (identity?.kind) {
    case undefined:
      return createSecureContext(trust)
    case 'pem':
      return createSecureContext({ ...trust, cert: identity.cert, key: identity.key })
    case 'pfx':
      return createSecureContext({
        ...trust,
        pfx: Buffer.from(identity.pfx),
        ...(identity.passphrase === undefined ? {} : { passphrase: identity.passphrase }),
      })
  }
}
