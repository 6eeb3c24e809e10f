/** Notification → what is POSTed to APNs. */
import { cutText, jsonTextBytes, utf8Bytes } from '../cut-text.ts'
import type { BuiltRequest } from '../gateway/ports.ts'
import { wellFormedJson } from '../json.ts'
import type { DataField, Notification } from '../notification.ts'
import type { AttemptOutcome } from '../outcome.ts'
import { encodeSegment } from '../path-segment.ts'
import { apnsId } from './push-id.ts'

/** What a pool adds to its requests. */
export interface ApnsPool {
  /** For notifications that name no topic; '': none, which a certificate may make up for. */
  readonly defaultTopic: string
}

/** The largest payloads that APNs takes, in bytes. */
export const apnsLimitBytes = { usual: 4096, voip: 5120 } as const

/** APNs stores nothing for longer. */
const longestLifetimeS = 30 * 86_400
/** Of a device id in the path: a token has a fraction of that, and longer paths may not get through at all. */
const maxSegmentLength = 1024
/** A header's value that nothing can be smuggled in by. Bundle ids have 155 characters at most. */
const topicShape = /^[\x21-\x7e]{1,255}$/

export function isTopic(text: string): boolean {
  return topicShape.test(text)
}

const tooLarge: AttemptOutcome = { kind: 'too_large', reason: 'PayloadTooLarge' }
const badTopic: AttemptOutcome = { kind: 'operator_fault', reason: 'BadTopic' }
const noDeviceToken: AttemptOutcome = { kind: 'invalid', reason: 'MissingDeviceToken' }
const badDeviceToken: AttemptOutcome = { kind: 'suspect', reason: 'BadDeviceToken' }

/**
 * The request for a notification. `id` is its own, the same at every attempt. What APNs would refuse for certain is not
 * sent: the outcome is the one that its refusal would have.
 */
export function apnsRequest(notification: Notification, pool: ApnsPool, id: string): BuiltRequest {
  const topic = notification.topic || pool.defaultTopic
  if (topic !== '' && !isTopic(topic)) return unsendable(badTopic)
  const segment = encodeSegment(notification.device.id)
  if (segment === '') return unsendable(noDeviceToken)
  if (segment.length > maxSegmentLength) return unsendable(badDeviceToken)

  const voip = topic.endsWith('.voip')
  const payload = fittingPayload(notification, voip ? apnsLimitBytes.voip : apnsLimitBytes.usual)
  if (payload === undefined) return unsendable(tooLarge)
  return {
    kind: 'request',
    request: {
      path: `/3/device/${segment}`,
      headers: headersOf(notification, topic, voip, id),
      body: payload.text,
    },
    shortened: payload.shortened,
    droppedFields: 0,
  }
}

function unsendable(outcome: AttemptOutcome): BuiltRequest {
  return { kind: 'unsendable', outcome }
}

function headersOf(notification: Notification, topic: string, voip: boolean, id: string) {
  const { content, priority, timeToLiveS, createdAtMs } = notification
  const type = voip ? 'voip' : content.kind === 'silent' ? 'background' : 'alert'
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'apns-id': apnsId(id),
    'apns-push-type': type,
  }
  if (topic !== '') headers['apns-topic'] = topic
  // APNs refuses any other priority of a background push.
  if (type === 'background') headers['apns-priority'] = '5'
  else if (priority !== undefined) headers['apns-priority'] = priority === 'high' ? '10' : '5'
  if (timeToLiveS !== undefined) headers['apns-expiration'] = expiration(createdAtMs, timeToLiveS)
  return headers
}

/** In seconds since the epoch; 0: now or never. */
function expiration(createdAtMs: number, timeToLiveS: number): string {
  if (timeToLiveS <= 0) return '0'
  return String(Math.floor(createdAtMs / 1000) + Math.min(timeToLiveS, longestLifetimeS))
}

/** The payload's JSON, with the alert's body cut if it has to be; undefined when that is not enough. */
function fittingPayload(
  notification: Notification,
  limitBytes: number,
): { readonly text: string; readonly shortened: boolean } | undefined {
  const text = payloadText(notification)
  const excessBytes = utf8Bytes(text) - limitBytes
  if (excessBytes <= 0) return { text, shortened: false }
  const { content } = notification
  if (content.kind === 'silent') return undefined
  const whole = content.body.toWellFormed()
  const body = cutText(whole, jsonTextBytes(whole) - excessBytes, jsonTextBytes)
  if (body === undefined) return undefined
  return { text: payloadText({ ...notification, content: { ...content, body } }), shortened: true }
}

function payloadText({ content, mutableContent }: Notification): string {
  const shown =
    content.kind === 'silent'
      ? { 'content-available': 1 }
      : {
          alert: { title: content.title.toWellFormed(), body: content.body.toWellFormed() },
          badge: content.badge,
          sound: content.sound?.toWellFormed(),
          category: content.clickAction?.toWellFormed(),
        }
  const aps = mutableContent === true ? { ...shown, 'mutable-content': 1 } : shown
  return JSON.stringify(content.data === undefined ? { aps } : { ...dataFields(content.data), aps })
}

/** What stands beside `aps`; a field of that name gives way to it. */
function dataFields(data: readonly DataField[]): object {
  return Object.fromEntries(data.map(([name, value]) => [name.toWellFormed(), wellFormedJson(value)]))
}
