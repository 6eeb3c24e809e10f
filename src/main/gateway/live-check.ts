/** Whether providers take what a pool shows them: asked once, in a way that nobody gets a push by. */
import { classifyApnsAnswer } from '../../core/apns/answer.ts'
import { apnsRequest } from '../../core/apns/request.ts'
import { apnsJwt } from '../../core/apns/token.ts'
import { classifyFcmAnswer } from '../../core/fcm/answer.ts'
import { fcmRequest } from '../../core/fcm/request.ts'
import type { BuiltRequest, ProviderRequest } from '../../core/gateway/ports.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import { askAccessToken, tokenAgent } from './ask-access-token.ts'
import { signJwt } from './json-web-token.ts'
import { probe } from './probe.ts'
import type { ApnsGatewayPool, FcmGatewayPool, GatewayPool } from './provider-pool.ts'

export type LiveVerdict =
  | { readonly kind: 'taken' }
  /** By the provider. `reason`: its own word. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It could not be asked, or has trouble of its own: nothing is known. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** A device that no provider knows: for APNs it is no device token at all. */
const nobody = 'BadDeviceToken-check'

/** `nowMs`: since the epoch. Never rejects. */
export async function checkLive(pool: GatewayPool, nowMs: number): Promise<LiveVerdict> {
  try {
    return await (pool.service === 'fcm' ? checkFcm(pool, nowMs) : checkApns(pool, nowMs))
  } catch (error) {
    return { kind: 'unknown', reason: `${pool.target.origin}: ${wordsOf(error)}` }
  }
}

async function checkFcm(pool: FcmGatewayPool, nowMs: number): Promise<LiveVerdict> {
  const agent = tokenAgent(pool.target.tls.ca)
  const never = new AbortController().signal
  const token = await askAccessToken(pool.account, pool.privateKey, agent, nowMs, never)
  await agent.destroy()
  if (token.kind === 'refused') {
    const { reason } = token
    return token.again
      ? { kind: 'unknown', reason: `${pool.account.tokenUri}: ${reason}` }
      : { kind: 'refused', reason }
  }
  const request = built(fcmRequest(push('fcm', nowMs), pool, nowMs))
  const dry = { ...request, body: JSON.stringify({ ...JSON.parse(request.body), validate_only: true }) }
  const answer = await probe(pool.target.origin, pool.target.tls, dry, `Bearer ${token.token}`)
  // The token's fault, in whatever words.
  return verdictOf(classifyFcmAnswer(answer).outcome, ['INVALID_ARGUMENT'])
}

async function checkApns(pool: ApnsGatewayPool, nowMs: number): Promise<LiveVerdict> {
  const { key, target } = pool
  const jwt = key && signJwt(apnsJwt(key.apnsKey, Math.floor(nowMs / 1000)), key.privateKey)
  const request = built(apnsRequest(push('apns', nowMs), pool, `check ${nowMs}`))
  const answer = await probe(target.origin, target.tls, request, jwt && `bearer ${jwt}`)
  // It is the device that is refused, as it should be. TooManyProviderTokenUpdates: the daemon's token is another one.
  return verdictOf(classifyApnsAnswer(answer).outcome, ['BadDeviceToken', 'TooManyProviderTokenUpdates'])
}

/** `good`: reasons that only a sender gets who is taken. */
function verdictOf(outcome: AttemptOutcome, good: readonly string[]): LiveVerdict {
  if (outcome.kind === 'delivered' || outcome.kind === 'dead_device') return { kind: 'taken' }
  const { reason } = outcome
  if (good.includes(reason)) return { kind: 'taken' }
  return outcome.kind === 'retry' ? { kind: 'unknown', reason } : { kind: 'refused', reason }
}

function push(service: 'fcm' | 'apns', nowMs: number): Notification {
  return {
    domain: '',
    node: '',
    device: { service, mode: undefined, id: nobody },
    topic: undefined,
    priority: undefined,
    mutableContent: undefined,
    timeToLiveS: 0,
    enabledAtMs: undefined,
    tags: [],
    content: {
      kind: 'alert',
      title: 'check',
      body: 'check',
      badge: undefined,
      tag: undefined,
      clickAction: undefined,
      sound: undefined,
      data: undefined,
    },
    collapsible: false,
    createdAtMs: nowMs,
  }
}

function built(request: BuiltRequest): ProviderRequest {
  if (request.kind === 'request') return request.request
  throw new Error('reason' in request.outcome ? request.outcome.reason : request.outcome.kind)
}

/** Of several addresses that were tried in vain, Node.js says it of each, and nothing of all. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(wordsOf))].join(', ')
  return error instanceof Error ? error.message || error.name : String(error)
}
