import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApnsSandbox, startApnsSandbox } from '../../src/sandbox/providers/apns.ts'
import { Authority } from '../../src/sandbox/providers/authority.ts'
import { type FcmSandbox, startFcmSandbox } from '../../src/sandbox/providers/fcm.ts'

export interface ProvidersOptions {
  /** Of what APNs takes provider tokens of; default: a key of its own. */
  readonly apns?: Parameters<typeof startApnsSandbox>[0]
  readonly fcm?: Parameters<typeof startFcmSandbox>[0]
}

/** APNs and FCM, and a folder with what a daemon needs to be known by them. */
export class Providers implements AsyncDisposable {
  readonly apns: ApnsSandbox
  readonly fcm: FcmSandbox
  /** It trusts itself, and APNs asks for certificates of it. */
  readonly authority: Authority
  readonly folder: string

  private constructor(apns: ApnsSandbox, fcm: FcmSandbox, authority: Authority) {
    this.apns = apns
    this.fcm = fcm
    this.authority = authority
    this.folder = mkdtempSync(join(tmpdir(), 'pushd-providers-'))
    mkdirSync(this.folder, { recursive: true })
    this.put('ca.pem', authority.ca)
    this.put('account.json', JSON.stringify(fcm.account))
    this.put('apns.p8', apns.keys[0]?.key ?? '')
  }

  static async start({ apns = {}, fcm = {} }: ProvidersOptions = {}): Promise<Providers> {
    const authority = new Authority()
    const tls = authority.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] })
    return new Providers(
      await startApnsSandbox({ tls, clientCa: authority.ca, ...apns }),
      await startFcmSandbox({ tls, ...fcm }),
      authority,
    )
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return join(this.folder, name)
  }

  put(name: string, content: string | Uint8Array): string {
    writeFileSync(this.file(name), content, { mode: 0o600 })
    return this.file(name)
  }

  /** A certificate with its key, as NAME.pem and NAME.key. */
  putCertificate(name: string, notAfter?: Date): void {
    const commonName = 'Apple Push Services: com.example.app'
    const { cert, key } = this.authority.issue({ commonName, notAfter })
    this.put(`${name}.pem`, cert)
    this.put(`${name}.key`, key)
  }

  /** `[[gateway.fcm]]` */
  get fcmTable(): Record<string, unknown> {
    return {
      service_account_file: this.file('account.json'),
      endpoint: this.fcm.url,
      tls: { ca_file: this.file('ca.pem') },
    }
  }

  /** `[[gateway.apns]]` with a key. */
  get apnsTable(): Record<string, unknown> {
    const [key] = this.apns.keys
    return {
      key_file: this.file('apns.p8'),
      key_id: key?.keyId,
      team_id: key?.teamId,
      default_topic: 'com.example.app',
      endpoint: this.apns.url,
      tls: { ca_file: this.file('ca.pem') },
    }
  }

  /** `[[gateway.apns]]` with the certificate that `putCertificate` has put there. */
  certificateTable(name: string): Record<string, unknown> {
    return {
      cert_file: this.file(`${name}.pem`),
      private_key_file: this.file(`${name}.key`),
      default_topic: 'com.example.app',
      endpoint: this.apns.url,
      tls: { ca_file: this.file('ca.pem') },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.apns.close()
    await this.fcm.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
