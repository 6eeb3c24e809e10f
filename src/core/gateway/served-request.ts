/** A request to the served API → the notification that it asks for, or the answer that refuses it. */
import type { JsonValue } from '../json.ts'
import type { ApiVersion } from '../mongoosepush/request.ts'
import type { Alert, DataField, Notification } from '../notification.ts'
import { faultAnswer, type ServedAnswer, schemaAnswer } from './served-answer.ts'
import { type CastAlert, type CastRequest, castRequest, schemaError } from './served-schema.ts'

/** As it came. */
export interface RawRequest {
  readonly method: string
  /** With the query, still percent-encoded. */
  readonly path: string
  readonly contentType: string | undefined
  /** Undefined: it was too large to be read. */
  readonly body: Uint8Array | undefined
}

export type ServedRequest =
  | {
      readonly kind: 'notification'
      readonly version: ApiVersion
      readonly notification: Notification
      /** False: it is to be stored and answered at once (`?wait=false`). */
      readonly wait: boolean
    }
  | { readonly kind: 'refused'; readonly answer: ServedAnswer }

/** The largest body that is read: many times what any provider takes (4 or 5 KiB), so that a longer text is shortened. */
export const maxServedBodyBytes = 64 * 1024

/**
 * Reads a request. `domain` names whose notification it is, in metrics and stores. Whatever is not said about faults in
 * MongoosePush's own way (422) is said in HTTP's: there it ends in an empty 500.
 */
export function readServedRequest(request: RawRequest, domain: string, nowMs: number): ServedRequest {
  const target = parseTarget(request.path)
  if (target === undefined) return refused(faultAnswer(undefined, 'not_found'))
  const { version, deviceId, wait } = target
  if (request.method !== 'POST') return refused(faultAnswer(version, 'method_not_allowed'))
  if (request.body === undefined) return refused(faultAnswer(version, 'payload_too_large'))
  if (!isJsonType(request.contentType)) {
    const fault = request.contentType === undefined ? 'Missing header' : 'Invalid value for header'
    return refused(schemaAnswer([schemaError(`${fault}: content-type`, '/')]))
  }
  const body = parseJson(request.body)
  if (body === undefined) return refused(faultAnswer(version, 'invalid_json'))

  const notification = { deviceId, domain, createdAtMs: nowMs }
  if (version === 'v1') {
    const cast = castRequest(version, body)
    if (Array.isArray(cast)) return refused(schemaAnswer(cast))
    return { kind: 'notification', version, wait, notification: notificationOf(cast, cast, notification) }
  }
  const cast = castRequest(version, body)
  if (Array.isArray(cast)) return refused(schemaAnswer(cast))
  return { kind: 'notification', version, wait, notification: notificationOf(cast, cast.alert, notification) }
}

function refused(answer: ServedAnswer): ServedRequest {
  return { kind: 'refused', answer }
}

interface Target {
  readonly version: ApiVersion
  readonly deviceId: string
  readonly wait: boolean
}

const route = /^\/(v[123])\/notification\/([^/?]+)(?:\?(.*))?$/s

function parseTarget(path: string): Target | undefined {
  const [, version, segment, query = ''] = route.exec(path) ?? []
  if (version === undefined || segment === undefined) return undefined
  try {
    return {
      version: version as ApiVersion,
      deviceId: decodeURIComponent(segment),
      wait: !query.split('&').includes('wait=false'),
    }
  } catch (error) {
    // What is percent-encoded is no UTF-8: there is no such device.
    if (error instanceof URIError) return undefined
    throw error
  }
}

function isJsonType(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined when it is no JSON in UTF-8. No body at all counts as an object without fields, as in MongoosePush. */
function parseJson(body: Uint8Array): JsonValue | undefined {
  if (body.length === 0) return {}
  try {
    return JSON.parse(utf8.decode(body)) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function notificationOf(
  request: CastRequest,
  alert: CastAlert | undefined,
  { deviceId, domain, createdAtMs }: { deviceId: string; domain: string; createdAtMs: number },
): Notification {
  const data: DataField[] | undefined = request.data && Object.entries(request.data)
  return {
    domain,
    node: '',
    device: { service: request.service, mode: request.mode, id: deviceId },
    topic: request.topic,
    priority: request.priority,
    mutableContent: request.mutable_content,
    // MongoosePush takes negative ones: they mean what 0 means.
    timeToLiveS: request.time_to_live === undefined ? undefined : Math.max(0, request.time_to_live),
    tags: request.tags ?? [],
    content: alert === undefined ? { kind: 'silent', data: data ?? [] } : alertOf(alert, data),
    // Nothing says that the next push to the device is about the same thing.
    collapsible: false,
    enabledAtMs: undefined,
    createdAtMs,
  }
}

function alertOf(alert: CastAlert, data: readonly DataField[] | undefined): Alert {
  return {
    kind: 'alert',
    title: alert.title,
    body: alert.body,
    badge: alert.badge,
    tag: alert.tag,
    clickAction: alert.click_action,
    sound: alert.sound,
    data,
  }
}
