import type { Notification } from '../../../src/core/notification.ts'
import type { Addition, StoredLimit, StoredPush } from '../../../src/main/store/ports.ts'
import { notificationTo } from '../dispatch/notifications.ts'

export const startMs = 1_700_000_000_000

export function storedPush(
  notification: Notification | string,
  change: Partial<StoredPush> = {},
): StoredPush {
  const whole = typeof notification === 'string' ? notificationTo(notification) : notification
  return {
    notification: whole,
    shelf: whole.device.service,
    sender: undefined,
    attempts: 0,
    shortened: false,
    retryCause: '',
    lastReason: '',
    unknownReason: '',
    unknownCount: 0,
    dueAtMs: startMs,
    run: 1,
    ...change,
  }
}

/** What an outbox with room for it says. */
export function given(addition: Addition | StoredLimit): Addition {
  if (typeof addition === 'string') throw new Error(`the outbox is full: ${addition}`)
  return addition
}
