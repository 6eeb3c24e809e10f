/** The tables of `[gateway]` with what the files hold that they name. */
import type { GatewayConfig } from './config.ts'
import type { Faults } from './faults.ts'
import { readAuthorities, readTokens } from './files.ts'
import { readApnsKey, readFcmAccount, readIdentity } from './provider-files.ts'
import { apnsTables, type ConfigFile, fcmTables, keyAt, type TableAt } from './schema.ts'

type ApnsAt = TableAt<ConfigFile['gateway']['apns'][number]>

/** Complete only if `faults` is empty afterwards. */
export function withProviderFiles(file: ConfigFile, faults: Faults): GatewayConfig {
  const fcm: GatewayConfig['fcm'][number][] = []
  for (const { path, table } of fcmTables(file)) {
    const key = `${path}.service_account_file`
    const ca = authorities(table, path, faults)
    const hasEndpoint = table.endpoint !== keyAt('gateway.fcm.endpoint')?.default
    const account = faults.sound(key)
      ? readFcmAccount(table.service_account_file, key, hasEndpoint, faults)
      : undefined
    if (account !== undefined) fcm.push({ ...table, account, tls: { ...table.tls, ca } })
  }
  const apns: GatewayConfig['apns'][number][] = []
  for (const at of apnsTables(file)) {
    const ca = authorities(at.table, at.path, faults)
    const { key, identity } = readOwner(at, faults)
    apns.push({ ...at.table, key, identity, tls: { ...at.table.tls, ca } })
  }
  const tokenFile = faults.sound('gateway.token_file') ? (file.gateway?.token_file ?? '') : ''
  const tokens = tokenFile === '' ? undefined : readTokens(tokenFile, 'gateway.token_file', faults)
  return { ...file.gateway, tokens, tls: listenerTls(file, faults), fcm, apns }
}

function authorities(
  { tls }: { readonly tls: { readonly ca_file: string } },
  path: string,
  faults: Faults,
): string | undefined {
  const key = `${path}.tls.ca_file`
  return faults.sound(key) ? readAuthorities(tls.ca_file, key, faults) : undefined
}

/** Who we are to APNs. Which of the two ways it is has been checked (`checkGateway`). */
function readOwner({ path, table }: ApnsAt, faults: Faults) {
  const none = { key: undefined, identity: undefined }
  const named = (name: 'key_file' | 'cert_file' | 'private_key_file' | 'passphrase_file') => ({
    path: `${path}.${name}`,
    file: table[name],
  })
  const files = [named('key_file'), named('cert_file'), named('private_key_file'), named('passphrase_file')]
  if (!files.every((file) => faults.sound(file.path))) return none
  if (table.key_file !== '') {
    return { key: readApnsKey(named('key_file'), named('passphrase_file'), faults), identity: undefined }
  }
  const identity = readIdentity(
    {
      cert: named('cert_file'),
      key: named('private_key_file'),
      passphrase: named('passphrase_file'),
      takesPfx: true,
    },
    faults,
  )
  return { key: undefined, identity }
}

function listenerTls(file: ConfigFile, faults: Faults): GatewayConfig['tls'] {
  const tls = file.gateway?.tls
  const caPath = 'gateway.tls.client_ca_file'
  const client_ca = faults.sound(caPath) ? readAuthorities(tls.client_ca_file, caPath, faults) : undefined
  const named = (name: 'cert_file' | 'key_file' | 'passphrase_file') => ({
    path: `gateway.tls.${name}`,
    file: tls[name],
  })
  const paths = ['cert_file', 'key_file', 'passphrase_file'].map((name) => `gateway.tls.${name}`)
  if (!paths.every((path) => faults.sound(path)) || tls.cert_file === '') {
    return { ...tls, identity: undefined, client_ca }
  }
  const identity = readIdentity(
    {
      cert: named('cert_file'),
      key: named('key_file'),
      passphrase: named('passphrase_file'),
      takesPfx: false,
    },
    faults,
  )
  return { ...tls, identity, client_ca }
}
