import type { StanzaError } from '../../core/stanza-error.ts'
import type { PublishEnd } from '../roles/app-server/publish-end.ts'
import { HttpFault } from './fault.ts'

/** Our own queue empties within about a second; a gateway in trouble needs longer. */
const roomAfterS = '1'
const gatewayAfterS = '10'

/** What a publish is answered with over HTTP: `{result}` with 200, else what an IQ's error stands for. */
export function publishAnswer(end: PublishEnd): { readonly result: string } | HttpFault {
  const { error, result } = end
  if (error === undefined) return { result }
  const status = statusOf(error)
  const code = error.pubsub ?? error.condition
  const message = error.text ?? sentences[code] ?? 'The publish was refused.'
  if (status < 429) return new HttpFault(status, code, message)
  const headers = { 'retry-after': status === 429 ? roomAfterS : gatewayAfterS }
  return new HttpFault(status, code, message, { headers })
}

/**
 * A stanza error as an HTTP status. `wait` is 429 where we have no room and 503 where the way beyond us is
 * at fault, but for a notification that nobody will ever take.
 */
export function statusOf({ condition, pubsub, type }: StanzaError): number {
  if (pubsub === 'device-not-registered') return 410
  if (pubsub === 'precondition-not-met') return 409
  switch (condition) {
    case 'forbidden':
      return 403
    case 'item-not-found':
      return 404
    case 'resource-constraint':
      return 429
    case 'policy-violation':
      return 400
    default:
      return type === 'wait' ? 503 : 400
  }
}

/** By the condition, for errors without a text of their own. */
const sentences: Readonly<Record<string, string>> = {
  forbidden: 'The node is registered with another secret, or does not let this be published.',
  'item-not-found': 'There is no such node on this host.',
  'precondition-not-met': 'The options name no device: service and device_id are needed.',
  'device-not-registered': 'The device is gone: its provider no longer knows it.',
  'resource-constraint': 'There is no room for another notification just now.',
  'remote-server-timeout': 'The gateway did not take the notification in time.',
  'internal-server-error': 'The gateway refuses requests: its operator has to look.',
  'policy-violation': 'The notification is too large, or not one that the gateway can send.',
  'failed-to-submit-push-notification': 'The gateway refused this device.',
}
