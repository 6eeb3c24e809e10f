import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { classifyApnsAnswer } from '../../../src/core/apns/answer.ts'
import { apnsRequest } from '../../../src/core/apns/request.ts'
import { classifyFcmAnswer } from '../../../src/core/fcm/answer.ts'
import { fcmRequest } from '../../../src/core/fcm/request.ts'
import { choosePool, noMatchingPool, type ProviderPool } from '../../../src/core/gateway/pools.ts'
import type { BuiltRequest } from '../../../src/core/gateway/ports.ts'
import { type ServedAnswer, servedAnswer } from '../../../src/core/gateway/served-answer.ts'
import { maxServedBodyBytes, readServedRequest } from '../../../src/core/gateway/served-request.ts'
import type { Notification } from '../../../src/core/notification.ts'
import type { AttemptOutcome, NoResponseCause } from '../../../src/core/outcome.ts'

/** A request that the real MongoosePush (2.3.0) was sent, what it asked the provider for, and what it answered. */
export interface CapturedCase {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: { text?: string; json?: unknown; base64?: string; omittedBytes?: number }
  readonly status: number
  readonly answer?: string
  readonly provider?: CapturedProviderRequest
}

export interface CapturedProviderRequest {
  readonly to: string
  readonly path: string
  /** `apns-…` alone. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export const capturedCases = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/mongoosepush/captured.json'), 'utf8'),
) as CapturedCase[]

/** What becomes of a request: what the provider is asked for, and what is answered. */
export interface Exchange {
  readonly provider: CapturedProviderRequest | undefined
  readonly status: number
  readonly answer: string
  readonly headers: Readonly<Record<string, string>>
}

/** Pools as MongoosePush had them for the capture. FCM's had the mode prod: it knows no other. */
const pools: readonly (ProviderPool & { readonly to: string; readonly defaultTopic: string })[] = [
  { to: 'apns-prod', service: 'apns', mode: 'prod', tags: [], defaultTopic: 'com.example.default' },
  { to: 'apns-dev', service: 'apns', mode: 'dev', tags: [], defaultTopic: '' },
  { to: 'fcm', service: 'fcm', mode: 'prod', tags: [], defaultTopic: '' },
]
const fcmPool = { projectId: 'fake_name', compat: true }
export const nowMs = 1_700_000_000_000

/** The same request to us. */
export function exchange(captured: CapturedCase): Exchange {
  const request = readServedRequest(
    {
      method: captured.method,
      path: captured.path,
      contentType: captured.headers?.['content-type'] ?? (captured.body && 'application/json'),
      body: bytesOf(captured),
    },
    'gateway',
    nowMs,
  )
  if (request.kind === 'refused') return answered(undefined, request.answer)
  const { notification, version } = request
  const pool = choosePool(pools, notification.device, notification.tags)
  if (pool === undefined) return answered(undefined, servedAnswer(version, noMatchingPool))
  const built =
    pool.service === 'fcm'
      ? fcmRequest(notification, fcmPool, nowMs)
      : apnsRequest(notification, pool, captured.name)
  if (built.kind === 'unsendable') return answered(undefined, servedAnswer(version, built.outcome))
  return answered(providerRequest(pool.to, built), servedAnswer(version, outcomeOf(notification)))
}

function answered(provider: CapturedProviderRequest | undefined, answer: ServedAnswer): Exchange {
  return { provider, status: answer.status, answer: answer.body, headers: answer.headers }
}

function providerRequest(to: string, built: Extract<BuiltRequest, { kind: 'request' }>) {
  const { path, headers, body } = built.request
  const apns = Object.entries(headers).filter(([name]) => name.startsWith('apns-'))
  return { to, path, headers: Object.fromEntries(apns), body: JSON.parse(body) as unknown }
}

export function bytesOf({ body }: CapturedCase): Uint8Array | undefined {
  if (body === undefined) return new Uint8Array()
  if (body.omittedBytes !== undefined) {
    return body.omittedBytes > maxServedBodyBytes ? undefined : new Uint8Array(body.omittedBytes)
  }
  if (body.base64 !== undefined) return Buffer.from(body.base64, 'base64')
  return Buffer.from(body.text ?? JSON.stringify(body.json))
}

/** The capture's providers were told by the device's name what to answer: `ap-STATUS-REASON`, `fc-STATUS-CODE-…`. */
function outcomeOf({ device }: Notification): AttemptOutcome {
  const cause = noResponses[device.id]
  if (cause !== undefined) {
    return { kind: 'retry', cause, reason: 'none', retryAfterMs: undefined, known: true }
  }
  const odd = oddAnswers[device.id]
  const [, provider, status, word, rest] = /^(ap|fc)-(\d+)-([A-Za-z_]+)(?:-(.+))?$/.exec(device.id) ?? []
  if (odd === undefined && provider === undefined) return { kind: 'delivered' }
  const answer = {
    status: odd ?? Number(status),
    retryAfterMs: rest === 'ra' ? 7_000 : undefined,
    body: '',
  }
  if (odd !== undefined) return classifyApnsAnswer(answer).outcome
  if (provider === 'ap') {
    return classifyApnsAnswer({ ...answer, body: JSON.stringify({ reason: word }) }).outcome
  }
  const details =
    rest === undefined || rest === 'ra'
      ? []
      : [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: rest }]
  const error = { code: answer.status, message: 'scripted', status: word, details }
  return classifyFcmAnswer({ ...answer, body: JSON.stringify({ error }) }).outcome
}

const noResponses: Readonly<Record<string, NoResponseCause>> = {
  'x-rst': 'connection_lost',
  'x-goaway': 'connection_lost',
  'x-close': 'connection_lost',
  'x-slow6000': 'timeout',
  'x-hang': 'timeout',
}

/** Bodies that are none; the status of `x-garbage` was not recorded. */
const oddAnswers: Readonly<Record<string, number>> = {
  'x-garbage': 500,
  'ap-empty500': 500,
  'ap-empty410': 410,
}
