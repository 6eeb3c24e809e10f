import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { localhostCertificate } from '../../src/sandbox/providers/authority.ts'

/** One for everybody: the daemon's served API and the providers. */
export const certificate = localhostCertificate()

export interface ProviderPorts {
  readonly port: number
  readonly tokenPort: number
  /** Where the served API listens; undefined: it does not. */
  readonly servedPort: number | undefined
}

/** Keys, an account and certificates in the folder, and the `[gateway]` that names them. */
export function providerTables(directory: string, { port, tokenPort, servedPort }: ProviderPorts): string {
  const put = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return JSON.stringify(join(directory, name))
  }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const pem = { type: 'pkcs8', format: 'pem' } as const
  const account = {
    type: 'service_account',
    project_id: 'bench-project',
    private_key_id: 'bench-key',
    private_key: rsa.export(pem).toString(),
    client_email: 'pushd@bench.iam.gserviceaccount.com',
    client_id: '100000000000000000000',
    token_uri: `https://localhost:${tokenPort}/token`,
  }
  const ca = put('ca.pem', certificate.ca)
  const listen =
    servedPort === undefined
      ? ''
      : `listen = "127.0.0.1:${servedPort}"
tls.cert_file = ${put('server.pem', certificate.cert)}
tls.key_file = ${put('server.key', certificate.key)}`
  return `
[gateway]
${listen}
[[gateway.fcm]]
service_account_file = ${put('account.json', JSON.stringify(account))}
endpoint = "https://localhost:${port}"
tls.ca_file = ${ca}
[[gateway.apns]]
key_file = ${put('key.p8', ec.export(pem).toString())}
key_id = "BENCHKEY01"
team_id = "BENCHTEAM1"
default_topic = "com.example.app"
endpoint = "https://localhost:${port}"
tls.ca_file = ${ca}
`
}
