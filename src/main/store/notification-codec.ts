import type { JsonValue } from '../../core/json.ts'
import type { Alert, DataField, Notification } from '../../core/notification.ts'
import { StoreError } from './store-error.ts'

/** A notification as it is stored: an array, its first element the layout's number; null for what is undefined. */

const layout = 1

export function encodeNotification(notification: Notification): unknown[] {
  const { device, content } = notification
  return [
    layout,
    notification.domain,
    notification.node,
    device.service,
    device.mode ?? null,
    device.id,
    notification.topic ?? null,
    notification.priority ?? null,
    notification.mutableContent ?? null,
    notification.timeToLiveS ?? null,
    notification.tags,
    notification.createdAtMs,
    notification.collapsible,
    content.kind === 'alert' ? encodeAlert(content) : content.data.flat(),
    content.kind,
    notification.enabledAtMs ?? null,
  ]
}

/** @throws StoreError `corrupt` */
export function decodeNotification(stored: unknown): Notification {
  if (!Array.isArray(stored) || stored[0] !== layout) throw damaged()
  const [, domain, node, service, mode, id, topic, priority, mutable, ttl, tags, created, collapsible] =
    stored
  return {
    domain: text(domain),
    node: text(node),
    device: { service: text(service), mode: optional(mode, text), id: text(id) },
    topic: optional(topic, text),
    priority: optional(priority, priorityOf),
    mutableContent: optional(mutable, flag),
    timeToLiveS: optional(ttl, number),
    tags: list(tags).map(text),
    content:
      stored[14] === 'alert'
        ? decodeAlert(list(stored[13]))
        : { kind: 'silent', data: decodeData(list(stored[13])) },
    createdAtMs: number(created),
    collapsible: flag(collapsible),
    // Older records end before it.
    enabledAtMs: optional(stored[15] ?? null, number),
  }
}

function encodeAlert({ title, body, badge, tag, clickAction, sound, data }: Alert): unknown[] {
  return [
    title,
    body,
    badge ?? null,
    tag ?? null,
    clickAction ?? null,
    sound ?? null,
    data === undefined ? null : data.flat(),
  ]
}

/** Older records end before `data`. */
function decodeAlert(stored: readonly unknown[]): Alert {
  const [title, body, badge, tag, clickAction, sound, data = null] = stored
  return {
    kind: 'alert',
    title: text(title),
    body: text(body),
    badge: optional(badge, number),
    tag: optional(tag, text),
    clickAction: optional(clickAction, text),
    sound: optional(sound, text),
    data: optional(data, (flat) => decodeData(list(flat))),
  }
}

function decodeData(flat: readonly unknown[]): DataField[] {
  const data: DataField[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) data.push([text(flat[i]), jsonValue(flat[i + 1])])
  return data
}

function jsonValue(stored: unknown): JsonValue {
  if (stored === null) return null
  if (typeof stored === 'string' || typeof stored === 'number' || typeof stored === 'boolean') return stored
  if (Array.isArray(stored)) return stored.map(jsonValue)
  if (typeof stored !== 'object') throw damaged()
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, jsonValue(value)]))
}

export function optional<T>(stored: unknown, read: (stored: unknown) => T): T | undefined {
  return stored === null ? undefined : read(stored)
}

export function text(stored: unknown): string {
  if (typeof stored === 'string') return stored
  throw damaged()
}

export function number(stored: unknown): number {
  if (typeof stored === 'number') return stored
  throw damaged()
}

export function list(stored: unknown): readonly unknown[] {
  if (Array.isArray(stored)) return stored
  throw damaged()
}

function flag(stored: unknown): boolean {
  if (typeof stored === 'boolean') return stored
  throw damaged()
}

function priorityOf(stored: unknown): 'normal' | 'high' {
  if (stored === 'normal' || stored === 'high') return stored
  throw damaged()
}

function damaged(): StoreError {
  return new StoreError('corrupt', 'the store holds a notification that cannot be read: restore a backup')
}
