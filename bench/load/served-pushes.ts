import type { ServedSourceSettings } from './reports.ts'
import { deviceId, digitsOf } from './stanza-template.ts'

const devices = 1_000

/** Where pushes to the served API go: a device each. */
export const pushPaths: readonly string[] = Array.from(
  { length: devices },
  (_, i) => `/v3/notification/${deviceId(digitsOf(i))}`,
)

/** As MongooseIM sends it; or what fails validation. */
export function pushBody(push: ServedSourceSettings['push']): string {
  if (push === 'invalid') return JSON.stringify({ service: 'apns' })
  const sender = 'romeo@example.com'
  const alert = { title: sender, tag: sender, body: 'Good night, good night!', badge: 1 }
  return JSON.stringify({ service: push, alert })
}
