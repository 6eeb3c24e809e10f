import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApnsSandbox, startApnsSandbox } from '../../src/sandbox/providers/apns.ts'
import { type FcmSandbox, startFcmSandbox } from '../../src/sandbox/providers/fcm.ts'
import type { ProviderRequest } from '../../src/sandbox/providers/provider-request.ts'
import type { ProviderSandbox } from '../../src/sandbox/providers/provider-sandbox.ts'
import type { Tables } from './daemon-process.ts'
import type { Ledger } from './ledger.ts'
import { deviceIdOf, sequenceIn } from './publish-text.ts'
import { now, requestTimeoutMs } from './rig.ts'

/** APNs and FCM of a run, and their entries in the ledger. */
export class Providers implements AsyncDisposable {
  readonly apns: ApnsSandbox
  readonly fcm: FcmSandbox
  readonly #dir: string
  #ledger: Ledger | undefined

  private constructor(
    apns: ApnsSandbox,
    fcm: FcmSandbox,
    take: (taker: (request: ProviderRequest) => void) => void,
  ) {
    this.apns = apns
    this.fcm = fcm
    this.#dir = mkdtempSync(join(tmpdir(), 'pushd-providers-'))
    take((request) => this.#take(request))
  }

  static async start(): Promise<Providers> {
    let taker: ((request: ProviderRequest) => void) | undefined
    const options = {
      latencyMs: 5,
      keep: 0,
      onRequest: (request: ProviderRequest) => taker?.(request),
    }
    const [apns, fcm] = [await startApnsSandbox(options), await startFcmSandbox(options)]
    return new Providers(apns, fcm, (own) => {
      taker = own
    })
  }

  get all(): readonly ProviderSandbox[] {
    return [this.apns, this.fcm]
  }

  /** Where it writes from now on. */
  set ledger(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** The daemon's tables for them. */
  get tables(): Tables {
    const [{ keyId, teamId, key } = { keyId: '', teamId: '', key: '' }] = this.apns.keys
    return {
      push: { gateway: 'direct' },
      gateway: {
        request_timeout_ms: requestTimeoutMs,
        apns: [
          {
            key_file: this.#write('key.p8', key),
            key_id: keyId,
            team_id: teamId,
            default_topic: 'com.example.app',
            endpoint: this.apns.url,
            tls: { ca_file: this.#write('apns.pem', this.apns.ca ?? '') },
          },
        ],
        fcm: [
          {
            service_account_file: this.#write('account.json', JSON.stringify(this.fcm.account)),
            endpoint: this.fcm.url,
            tls: { ca_file: this.#write('fcm.pem', this.fcm.ca ?? '') },
          },
        ],
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const provider of this.all) await provider.close()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #write(name: string, text: string): string {
    const file = join(this.#dir, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }

  #take({ deviceId, body, status }: ProviderRequest): void {
    const text = JSON.stringify(body)
    const sequence = sequenceIn(text)
    if (sequence === undefined || deviceIdOf(text) !== deviceId) {
      this.#ledger?.fault('a request that fits no publish', text.slice(0, 300))
    } else if (status === 200) this.#ledger?.delivered(sequence, now(), true)
  }
}
