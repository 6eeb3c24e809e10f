/** Notification → what is POSTed to MongoosePush, in each version of its API. */
import { type JsonValue, wellFormedJson } from '../json.ts'
import type { DataField, Notification } from '../notification.ts'

export type ApiVersion = 'v1' | 'v2' | 'v3'

/** What v1, which knows no silent push, shows instead. */
export interface DefaultTexts {
  readonly title: string
  readonly body: string
}

/** Everything before the device id: `/v3/notification/`. `prefix` is '/' or '/push' or '/push/'. */
export function notificationBase(prefix: string, version: ApiVersion): string {
  const segments = prefix.split('/').filter((segment) => segment !== '')
  return `/${[...segments, version, 'notification', ''].join('/')}`
}

/** The JSON text to POST. MongoosePush refuses unknown fields (422): only what is given goes in. */
export function notificationBody(
  notification: Notification,
  version: ApiVersion,
  defaults: DefaultTexts,
): string {
  return JSON.stringify(version === 'v1' ? flatFields(notification, defaults) : nestedFields(notification))
}

/** v2 and v3: they differ in their answers alone. */
function nestedFields(notification: Notification) {
  const { device, content, tags, timeToLiveS } = notification
  return {
    service: text(device.service),
    mode: optional(device.mode),
    priority: notification.priority,
    time_to_live: int32(timeToLiveS),
    mutable_content: notification.mutableContent,
    topic: optional(notification.topic),
    tags: tags.length === 0 ? undefined : tags,
    alert:
      content.kind === 'silent'
        ? undefined
        : {
            title: text(content.title),
            body: text(content.body),
            badge: int32(content.badge),
            tag: optional(content.tag),
            click_action: optional(content.clickAction),
            sound: optional(content.sound),
          },
    data: dataFields(content.data),
  }
}

function flatFields(notification: Notification, defaults: DefaultTexts) {
  const { device, content } = notification
  const common = {
    service: text(device.service),
    mode: optional(device.mode),
    topic: optional(notification.topic),
  }
  if (content.kind === 'silent') {
    return { ...common, title: defaults.title, body: defaults.body, data: dataFields(content.data) }
  }
  return {
    ...common,
    title: text(content.title),
    body: text(content.body),
    badge: int32(content.badge),
    tag: optional(content.tag),
    click_action: optional(content.clickAction),
    data: dataFields(content.data),
  }
}

function dataFields(data: readonly DataField[] | undefined): JsonValue | undefined {
  return data === undefined ? undefined : wellFormedJson(Object.fromEntries(data))
}

/** JSON escapes a lone surrogate as `\udXXX`, which strict readers refuse, and the whole request with it. */
function text(value: string): string {
  return value.isWellFormed() ? value : value.toWellFormed()
}

function optional(value: string | undefined): string | undefined {
  return value === undefined ? undefined : text(value)
}

/** MongoosePush refuses integers beyond 32 bits; a count or a lifetime beyond means "very many". */
function int32(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(-0x8000_0000, Math.min(value, 0x7fff_ffff))
}
