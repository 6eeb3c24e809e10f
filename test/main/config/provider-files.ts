/** Files that vouch for somebody at a provider, for the tests. */
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newApnsKey } from '../../../src/sandbox/providers/apns.ts'
import { Authority } from '../../../src/sandbox/providers/authority.ts'
import { dir } from './loading.ts'

export const commonName = 'Apple Push Services: com.example.app'
const authority = new Authority()

export function serviceAccountText(changes: Readonly<Record<string, unknown>> = {}): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return JSON.stringify({
    type: 'service_account',
    project_id: 'example-project',
    private_key_id: 'hush-id',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client_email: 'pushd@example-project.iam.gserviceaccount.com',
    token_uri: 'https://oauth2.googleapis.com/token',
    ...changes,
  })
}

export function put(name: string, text: string): string {
  writeFileSync(join(dir, name), text)
  return name
}

export function putCertificate(name: string, notAfter?: Date): void {
  const { cert, key } = authority.issue({ commonName, notAfter })
  put(`${name}.pem`, cert)
  put(`${name}.key`, key)
  put(`${name}-both.pem`, cert + key)
}

put('account.json', serviceAccountText())
put('apns.p8', newApnsKey('ABC123DEFG', 'DEF123GHIJ').key)
put('authority.pem', authority.ca)
putCertificate('cert')
putCertificate('other')
put('sauce', 'sauce\n')
put('tokens', 'hush-first\r\n\nhush-second\n')
put('spaced-token', 'hush hush\n')
put('spaced-tokens', 'hush-first\nhush second\n')
for (const name of ['apns.p12', 'apns-rc2.p12']) copyFileSync(`test/fixtures/tls/${name}`, join(dir, name))

export const fcm = '[[gateway.fcm]]\nservice_account_file = "account.json"\n'
export const apnsKey =
  '[[gateway.apns]]\nkey_file = "apns.p8"\nkey_id = "ABC123DEFG"\nteam_id = "DEF123GHIJ"\ndefault_topic = "com.example.app"\n'
export const apnsCertificate =
  '[[gateway.apns]]\nmode = "dev"\ncert_file = "cert.pem"\nprivate_key_file = "cert.key"\n'
