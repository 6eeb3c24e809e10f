import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeNotification, encodeNotification } from '../../../src/main/store/notification-codec.ts'
import { anyNotification } from '../../core/gateway/any-notification.ts'
import { alertOf, notificationTo } from '../dispatch/notifications.ts'

test('whatever is stored is read as it was', () => {
  fc.assert(
    fc.property(anyNotification('apns'), (notification) => {
      expect(decodeNotification(encodeNotification(notification))).toEqual(notification)
    }),
  )
})

test('an alert that was stored before alerts had data has none', () => {
  const notification = { ...notificationTo('tok'), content: alertOf({ sound: 's' }) }
  const stored = encodeNotification(notification)
  stored[13] = (stored[13] as unknown[]).slice(0, 6)
  expect(decodeNotification(stored)).toEqual(notification)
})
