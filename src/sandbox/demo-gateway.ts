/** Where the demo's pushes go: a stand-in for MongoosePush, or those for APNs and FCM. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DemoNarrator } from './demo-narrator.ts'
import { startGatewaySandbox } from './gateway.ts'
import { startApnsSandbox } from './providers/apns.ts'
import { Authority } from './providers/authority.ts'
import { startFcmSandbox } from './providers/fcm.ts'
import type { ProviderAnswer, ProviderRequest } from './providers/provider-request.ts'

export interface DemoGateway {
  /** What the daemon's configuration says of it. */
  readonly configuration: string
  /** Requests that have come. */
  readonly total: number
  /** A device that is gone. */
  readonly goneDevice: string
  /** Whether it has devices of FCM too, and shows them so. */
  readonly hasFcm: boolean
  /** What the last request was about. */
  readonly last: DemoPush
  /** The next requests are answered 503. */
  stumble(count: number): void
  close(): Promise<void>
}

export interface DemoPush {
  readonly deviceId: string
  /** Undefined: it shows nothing. */
  readonly title: string | undefined
}

const goneTablet = 'tok-old-tablet'

type Words = Readonly<Record<string, unknown>>

export async function startMongoosePush(narrator: DemoNarrator): Promise<DemoGateway> {
  const sandbox = await startGatewaySandbox({
    onRequest: (request, answer) => narrator.request(request, answer),
  })
  return {
    configuration: `[mongoosepush]\nurl = "${sandbox.url}"`,
    get total() {
      return sandbox.total
    },
    goneDevice: 'gone-old-tablet',
    hasFcm: false,
    get last() {
      const { deviceId = '', body = {} } = sandbox.requests.at(-1) ?? {}
      return { deviceId, title: titleOf(body.alert) }
    },
    stumble(count) {
      let left = count
      sandbox.answerWith(() =>
        left-- > 0 ? { status: 503, body: { reason: 'service_internal' } } : undefined,
      )
    },
    close: () => sandbox.close(),
  }
}

/** `folder`: for the key, the account and the authority that the daemon is to have. */
export async function startProviders(folder: string, narrator: DemoNarrator): Promise<DemoGateway> {
  let last: DemoPush = { deviceId: '', title: undefined }
  const authority = new Authority()
  const tls = authority.issue({ commonName: 'localhost', names: ['localhost'] })
  const onRequest = (request: ProviderRequest, answer: ProviderAnswer) => {
    last = { deviceId: request.deviceId, title: shownTitle(request.body) }
    narrator.providerRequest(request, answer)
  }
  const apns = await startApnsSandbox({ tls, onRequest })
  const fcm = await startFcmSandbox({ tls, onRequest }).catch(async (error: unknown) => {
    await apns.close()
    throw error
  })
  let stumbles = 0
  apns.answerWith(({ deviceId }) => {
    if (stumbles > 0) {
      stumbles--
      return { status: 503, body: { reason: 'ServiceUnavailable' } }
    }
    // Since just now: what was gone before the node was made would not count.
    return deviceId === goneTablet
      ? { status: 410, body: { reason: 'Unregistered', timestamp: Date.now() } }
      : undefined
  })
  const [key] = apns.keys
  const files = {
    'ca.pem': authority.ca,
    'apns.p8': key?.key ?? '',
    'service-account.json': JSON.stringify(fcm.account),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  return {
    configuration: `[[gateway.apns]]
key_file = "apns.p8"
key_id = "${key?.keyId}"
team_id = "${key?.teamId}"
default_topic = "example.verona.chat"
endpoint = "${apns.url}"
tls.ca_file = "ca.pem"

[[gateway.fcm]]
service_account_file = "service-account.json"
endpoint = "${fcm.url}"
tls.ca_file = "ca.pem"`,
    get total() {
      return apns.total + fcm.total
    },
    goneDevice: goneTablet,
    hasFcm: true,
    get last() {
      return last
    },
    stumble(count) {
      stumbles = count
    },
    async close() {
      await apns.close()
      await fcm.close()
    },
  }
}

function shownTitle({ aps, message }: Words): string | undefined {
  const { alert } = (aps ?? {}) as Words
  const { android } = (message ?? {}) as Words
  return titleOf(alert) ?? titleOf((android as Words | undefined)?.notification)
}

function titleOf(alert: unknown): string | undefined {
  const { title } = (alert ?? {}) as Words
  return typeof title === 'string' ? title : undefined
}
