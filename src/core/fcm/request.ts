/** Notification → what is POSTed to FCM's HTTP v1 API. */
import { cutText, utf8Bytes } from '../cut-text.ts'
import type { BuiltRequest } from '../gateway/ports.ts'
import type { Alert, DataField, Notification } from '../notification.ts'
import type { AttemptOutcome } from '../outcome.ts'
import { encodeSegment } from '../path-segment.ts'

/** What a pool adds to its requests. */
export interface FcmPool {
  readonly projectId: string
  /**
   * JSON-equal to what MongoosePush sends: with empty objects where there is nothing to say, and without the badge.
   * Else the empty objects go, and the badge is `notification_count`.
   */
  readonly compat: boolean
}

/** The largest payload that FCM takes: the names and values of `notification` and `data`, in bytes of UTF-8. */
export const fcmLimitBytes = 4096

/** The longest `ttl` that FCM takes: four weeks. */
const longestTtlS = 2_419_200

const headers = { 'content-type': 'application/json' }
const tooLarge: AttemptOutcome = { kind: 'too_large', reason: 'PayloadTooLarge' }
const notTexts: AttemptOutcome = { kind: 'invalid', reason: 'invalid_notification' }

type Texts = Readonly<Record<string, string>>

/** `android.notification`, as far as texts go. */
interface ShownTexts {
  readonly title: string
  readonly body: string
  readonly click_action: string | undefined
  readonly tag: string | undefined
  readonly sound: string | undefined
}

/** The request for a notification; not sent is what FCM would refuse for certain. */
export function fcmRequest(notification: Notification, pool: FcmPool, nowMs: number): BuiltRequest {
  const { content, device, priority } = notification
  const given = content.data?.filter(([name]) => !isReserved(name))
  const data = given === undefined ? undefined : asTexts(given)
  if (data === null) return { kind: 'unsendable', outcome: notTexts }

  const texts = content.kind === 'silent' ? undefined : shownTexts(content)
  const excessBytes = sizeOf(texts) + sizeOf(data) - fcmLimitBytes
  const fitting = excessBytes > 0 ? cutBody(texts, excessBytes) : texts
  if (excessBytes > 0 && fitting === undefined) return { kind: 'unsendable', outcome: tooLarge }

  const { compat } = pool
  const badge = compat || content.kind === 'silent' ? undefined : content.badge
  const android = {
    notification: unlessEmpty({ ...fitting, notification_count: badge && uint31(badge) }, compat),
    data: data && unlessEmpty(data, compat),
    priority: priority && priorities[priority],
    ttl: ttlOf(notification, nowMs),
  }
  const token = device.id.toWellFormed()
  const message = compat ? { android, token, data: {}, notification: {} } : { android, token }
  return {
    kind: 'request',
    request: {
      path: `/v1/projects/${encodeSegment(pool.projectId)}/messages:send`,
      headers,
      body: JSON.stringify({ message }),
    },
    shortened: excessBytes > 0,
    droppedFields: (content.data?.length ?? 0) - (given?.length ?? 0),
  }
}

const priorities = { normal: 'NORMAL', high: 'HIGH' } as const

/** FCM refuses messages whose data have these names. */
function isReserved(name: string): boolean {
  return name === 'from' || name === 'message_type' || name.startsWith('google') || name.startsWith('gcm')
}

/** FCM's data are texts; null when one of them is an object or an array, which is none. */
function asTexts(fields: readonly DataField[]): Texts | null {
  const texts: [string, string][] = []
  for (const [name, value] of fields) {
    if (typeof value === 'object' && value !== null) return null
    texts.push([name.toWellFormed(), value === null ? '' : String(value).toWellFormed()])
  }
  return Object.fromEntries(texts)
}

function shownTexts({ title, body, clickAction, tag, sound }: Alert): ShownTexts {
  return {
    title: title.toWellFormed(),
    body: body.toWellFormed(),
    click_action: clickAction?.toWellFormed(),
    tag: tag?.toWellFormed(),
    sound: sound?.toWellFormed(),
  }
}

function sizeOf(texts: ShownTexts | Texts | undefined): number {
  let bytes = 0
  for (const [name, value] of Object.entries(texts ?? {})) {
    if (value !== undefined) bytes += utf8Bytes(name) + utf8Bytes(value)
  }
  return bytes
}

/** The same with a body that is this much shorter; undefined when it cannot be. */
function cutBody(texts: ShownTexts | undefined, excessBytes: number): ShownTexts | undefined {
  if (texts === undefined) return undefined
  const body = cutText(texts.body, utf8Bytes(texts.body) - excessBytes, utf8Bytes)
  return body === undefined ? undefined : { ...texts, body }
}

/** A count as FCM reads it. */
function uint31(value: number): number {
  return Math.max(0, Math.min(value, 0x7fff_ffff))
}

/** What is left of the time to live. */
function ttlOf({ timeToLiveS, createdAtMs }: Notification, nowMs: number): string | undefined {
  if (timeToLiveS === undefined) return undefined
  const passedS = Math.max(0, Math.floor((nowMs - createdAtMs) / 1000))
  return `${Math.max(0, Math.min(timeToLiveS - passedS, longestTtlS))}s`
}

function unlessEmpty<T extends object>(object: T, keepEmpty: boolean): T | undefined {
  return keepEmpty || Object.values(object).some((value) => value !== undefined) ? object : undefined
}
