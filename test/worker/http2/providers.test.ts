import { expect, test } from 'vitest'
import { classifyApnsAnswer } from '../../../src/core/apns/answer.ts'
import { apnsRequest } from '../../../src/core/apns/request.ts'
import { classifyFcmAnswer } from '../../../src/core/fcm/answer.ts'
import { fcmRequest } from '../../../src/core/fcm/request.ts'
import { readServiceAccount } from '../../../src/core/fcm/service-account.ts'
import type { BuiltRequest, ProviderAnswer, ProviderVerdict } from '../../../src/core/gateway/ports.ts'
import type { Notification } from '../../../src/core/notification.ts'
import { AccessTokens } from '../../../src/main/gateway/access-tokens.ts'
import { ApnsTokens } from '../../../src/main/gateway/apns-tokens.ts'
import { readSigningKey } from '../../../src/main/gateway/signing-key.ts'
import { LmdbProviderTokenStore } from '../../../src/main/store/provider-tokens.ts'
import { startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { apnsStatuses } from '../../../src/sandbox/providers/apns-answers.ts'
import { startFcmSandbox } from '../../../src/sandbox/providers/fcm.ts'
import { fcmWords } from '../../../src/sandbox/providers/fcm-answers.ts'
import { SessionPool } from '../../../src/worker/http2/session-pool.ts'
import { openStore, scratchDirectory } from '../../main/store/open-store.ts'
import { until } from '../../support/until.ts'
import { poolTarget } from './pool-at-work.ts'

const nobody = { info: () => undefined, warn: () => undefined, error: () => undefined }
const ports = { nowMs: Date.now, random: Math.random, log: nobody }

/** Builds, sends, and reads the answers, as the daemon does. */
class Provider implements AsyncDisposable {
  readonly verdicts: ProviderVerdict[] = []
  readonly pool: SessionPool
  readonly #build: (notification: Notification) => BuiltRequest
  readonly #timer: NodeJS.Timeout

  constructor(
    sandbox: { readonly url: string; readonly ca: string | undefined },
    build: (notification: Notification) => BuiltRequest,
    classify: (answer: ProviderAnswer) => ProviderVerdict,
  ) {
    this.#build = build
    this.pool = new SessionPool(
      poolTarget({ origin: sandbox.url, tls: { ca: sandbox.ca, identity: undefined } }),
      {
        delivered: () => void this.verdicts.push({ outcome: { kind: 'delivered' }, hint: 'none' }),
        answered: (_id, answer) => {
          const verdict = classify(answer)
          this.verdicts.push(verdict)
          return verdict.hint === 'replace_connection'
        },
        failed: (_id, cause, detail) => {
          throw new Error(`${cause}: ${detail}`)
        },
      },
    )
    this.#timer = setInterval(() => this.pool.sweep(performance.now()), 20)
  }

  async push(notification: Notification): Promise<ProviderVerdict | undefined> {
    const built = this.#build(notification)
    if (built.kind === 'unsendable') throw new Error(built.outcome.kind)
    const count = this.verdicts.length + 1
    this.pool.post(count, built.request)
    await until('the answer', () => this.verdicts.length === count)
    return this.verdicts.at(-1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.pool.close()
  }
}

function notification(service: string, id: string, change: Partial<Notification> = {}): Notification {
  return {
    domain: 'push.example.com',
    node: 'n',
    device: { service, mode: undefined, id },
    topic: undefined,
    priority: undefined,
    mutableContent: undefined,
    timeToLiveS: undefined,
    tags: [],
    content: {
      kind: 'alert',
      title: 'T',
      body: 'B',
      badge: 1,
      tag: 't',
      clickAction: 'c',
      sound: 's',
      data: undefined,
    },
    collapsible: true,
    enabledAtMs: undefined,
    createdAtMs: Date.now(),
    ...change,
  }
}

const silent = {
  content: {
    kind: 'silent',
    data: [
      ['message-count', 1],
      ['last-message-body', 'B'],
    ],
  },
} as const
const everything = { priority: 'high', mutableContent: true, timeToLiveS: 3600 } as const

function signingKey(pem: string, algorithm: 'ES256' | 'RS256') {
  const key = readSigningKey(pem, algorithm)
  if (typeof key === 'string') throw new Error(key)
  return key
}

test('APNs takes what is built for it, signed by the token that is kept for it; each of its answers is understood', async () => {
  using directory = scratchDirectory()
  await using environment = await openStore(directory.path)
  await using apns = await startApnsSandbox()
  await using provider = new Provider(
    apns,
    (push) => apnsRequest(push, { defaultTopic: 'com.example.app' }, `push-${push.device.id}`),
    classifyApnsAnswer,
  )
  const [key = { keyId: '', teamId: '', key: '' }] = apns.keys
  const store = new LmdbProviderTokenStore(environment)
  const events = { authorized: provider.pool.authorize.bind(provider.pool) }
  const tokens = new ApnsTokens(key, signingKey(key.key, 'ES256'), store, events, ports)
  tokens.start()
  for (const change of [{}, everything, silent, { topic: 'com.example.app.voip' }]) {
    const verdict = await provider.push(notification('apns', 'a'.repeat(64), change))
    expect(verdict?.outcome).toEqual({ kind: 'delivered' })
  }
  for (const reason of Object.keys(apnsStatuses)) {
    const verdict = await provider.push(notification('apns', `${reason}-1`))
    expect(verdict?.outcome).toMatchObject({ reason })
  }
  expect(apns.refused).toEqual([])
  tokens.stop()
})

test('FCM takes what is built for it, with the token that was asked for; each of its answers is understood', async () => {
  await using fcm = await startFcmSandbox()
  const account = readServiceAccount(JSON.stringify(fcm.account))
  if (typeof account === 'string') throw new Error(account)
  let compat = true
  await using provider = new Provider(
    fcm,
    (push) => fcmRequest(push, { projectId: account.projectId, compat }, Date.now()),
    classifyFcmAnswer,
  )
  const events = { authorized: provider.pool.authorize.bind(provider.pool) }
  const tokens = new AccessTokens(account, signingKey(account.privateKey, 'RS256'), fcm.ca, events, ports)
  tokens.start()
  for (compat of [true, false]) {
    for (const change of [{}, everything, silent]) {
      const verdict = await provider.push(notification('fcm', 'fGx9:APA91b-x_y', change))
      expect(verdict?.outcome).toEqual({ kind: 'delivered' })
    }
  }
  for (const word of Object.keys(fcmWords)) {
    const verdict = await provider.push(notification('fcm', `${word}-1`))
    expect(verdict?.outcome.kind).not.toBe('delivered')
  }
  expect(fcm.refused).toEqual([])
  await tokens.stop()
})
