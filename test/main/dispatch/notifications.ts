import type { Alert, Device, Notification } from '../../../src/core/notification.ts'

export function notificationTo(deviceId: string, device: Partial<Device> = {}): Notification {
  return {
    domain: 'push.example.com',
    node: 'node-1',
    device: { service: 'fcm', mode: undefined, id: deviceId, ...device },
    topic: undefined,
    priority: undefined,
    mutableContent: undefined,
    timeToLiveS: undefined,
    tags: [],
    content: alertOf({}),
    collapsible: true,
    enabledAtMs: undefined,
    createdAtMs: Date.now(),
  }
}

export function alertOf(fields: Partial<Alert>): Alert {
  return {
    kind: 'alert',
    title: 'T',
    body: 'B',
    badge: undefined,
    tag: undefined,
    clickAction: undefined,
    sound: undefined,
    data: undefined,
    ...fields,
  }
}
