/** What the keys of `[gateway]` must have to do with one another. */
import { isLocal, parseAddress } from '../address.ts'
import { type Faults, shownValue } from './faults.ts'
import { apnsTables, type ConfigFile, fcmTables, type TableAt } from './schema.ts'

export function checkGateway(file: ConfigFile, faults: Faults): void {
  checkListener(file, faults)
  for (const { path, table } of fcmTables(file)) {
    const key = `${path}.service_account_file`
    if (faults.sound(key) && table.service_account_file === '') {
      faults.add(key, 'is missing, allowed: the JSON file of a service account’s key')
    }
  }
  for (const at of apnsTables(file)) checkOwner(at, faults)
  checkReach(fcmTables(file), faults)
  checkReach(apnsTables(file), faults)
  checkDirect(file, faults)
}

function checkListener({ gateway }: ConfigFile, faults: Faults): void {
  const [listen, cert, key] = ['gateway.listen', 'gateway.tls.cert_file', 'gateway.tls.key_file'] as const
  if (![listen, cert, key].every((path) => faults.sound(path))) return
  const { cert_file: certFile, key_file: keyFile } = gateway.tls
  if (certFile !== '' && keyFile === '') {
    faults.add(key, 'is missing, allowed: the PEM file of the key of gateway.tls.cert_file')
  } else if (certFile === '' && keyFile !== '') {
    faults.add(cert, 'is missing, allowed: the PEM file of the certificate of gateway.tls.key_file')
  }
  checkCallers(gateway, faults)
  const passphrase = 'gateway.tls.passphrase_file'
  if (faults.sound(passphrase) && gateway.tls.passphrase_file !== '' && keyFile === '') {
    faults.add(passphrase, 'is given without gateway.tls.key_file, allowed: both or none')
  }
  const address = parseAddress(gateway.listen)
  if (address === undefined || isLocal(address) || certFile !== '') return
  faults.add(
    cert,
    `is empty while gateway.listen is ${shownValue(gateway.listen)}, allowed: a certificate, or a listener on loopback or a unix socket`,
  )
}

/** Where other machines reach `listen`, the configuration must say who may push. */
function checkCallers({ listen, token_file, open, tls }: ConfigFile['gateway'], faults: Faults): void {
  const [token, ca] = ['gateway.token_file', 'gateway.tls.client_ca_file'] as const
  if (![token, ca, 'gateway.open'].every((path) => faults.sound(path))) return
  if (tls.client_ca_file !== '' && tls.cert_file === '') {
    faults.add(ca, 'is given without gateway.tls.cert_file, allowed: both or none')
  }
  const address = parseAddress(listen)
  if (address === undefined || isLocal(address) || open) return
  if (token_file !== '' || tls.client_ca_file !== '') return
  faults.add(
    token,
    `is empty while gateway.listen is ${shownValue(listen)}, allowed: a file with a token for each caller, gateway.tls.client_ca_file, or gateway.open = true if everyone who reaches it may push`,
  )
}

type ApnsAt = ReturnType<typeof apnsTables>[number]
type ApnsKeyName = 'key_file' | 'key_id' | 'team_id' | 'cert_file' | 'private_key_file' | 'passphrase_file'

const ofKey = ['key_id', 'team_id'] as const
const ofCertificate = ['private_key_file'] as const

/** A key with its two ids, or a certificate with what opens it. */
function checkOwner({ path, table }: ApnsAt, faults: Faults): void {
  const sound = (name: ApnsKeyName) => faults.sound(`${path}.${name}`)
  const fault = (name: ApnsKeyName, text: string) => faults.add(`${path}.${name}`, text)
  if (!sound('key_file') || !sound('cert_file')) return
  if (table.key_file === '' && table.cert_file === '') {
    fault('key_file', 'is missing, allowed: the .p8 file of a key, or a certificate in cert_file')
    return
  }
  if (table.key_file !== '' && table.cert_file !== '') {
    fault('key_file', 'is given and so is cert_file, allowed: one of them')
    return
  }
  if (table.key_file !== '') {
    for (const name of ofKey) {
      if (sound(name) && table[name] === '') fault(name, 'is missing, allowed: ten characters A–Z and 0–9')
    }
  }
  const [others, owner] = table.key_file === '' ? [ofKey, 'key_file'] : [ofCertificate, 'cert_file']
  for (const name of others) {
    if (sound(name) && table[name] !== '') fault(name, `is given without ${owner}, allowed: both or none`)
  }
}

interface Pool {
  readonly mode: string
  readonly tags: readonly string[]
}

const modes = ['prod', 'dev']

/** A pool behind others that take all that it is for is a mistake. */
function checkReach(pools: readonly TableAt<Pool>[], faults: Faults): void {
  const sound = pools.filter(({ path }) => faults.sound(`${path}.mode`) && faults.sound(`${path}.tags`))
  sound.forEach(({ path, table }, i) => {
    const before = sound.slice(0, i)
    const takers = modes
      .filter((mode) => isFor(table, mode))
      .map((mode) => before.find((other) => isFor(other.table, mode) && includesAll(other.table, table)))
    const names = [...new Set(takers.map((taker) => taker?.path))]
    if (names.includes(undefined)) return
    faults.add(
      `${path}.tags`,
      `leave it no push: ${names.join(' and ')} before it ${names.length > 1 ? 'take' : 'takes'} them all, allowed: a mode or tags of its own`,
    )
  })
}

function isFor(pool: Pool, mode: string): boolean {
  return pool.mode === '' || pool.mode === mode
}

function includesAll(pool: Pool, other: Pool): boolean {
  return other.tags.every((tag) => pool.tags.includes(tag))
}

function checkDirect(file: ConfigFile, faults: Faults): void {
  const keys = ['push.gateway', 'gateway.fcm', 'gateway.apns']
  if (!keys.every((key) => faults.sound(key)) || file.push.gateway !== 'direct') return
  if (file.gateway.fcm.length + file.gateway.apns.length > 0) return
  faults.add(
    'push.gateway',
    'is "direct" while there is no [[gateway.fcm]] or [[gateway.apns]], allowed: "mongoosepush", or a pool',
  )
}
