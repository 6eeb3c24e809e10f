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
  const [status, code] = statusOf(error)
  const message = error.text ?? sentences[code] ?? 'The publish was refused.'
  if (status < 429) return new HttpFault(status, code, message)
  const headers = { 'retry-after': status === 429 ? roomAfterS : gatewayAfterS }
  return new HttpFault(status, code, message, { headers })
}

/**
 * A stanza error as an HTTP status and a word for programs. `wait` is 429 where we have no room and 503 where the way
 * beyond us is at fault, but for a notification that nobody will ever take.
 */
function statusOf({ condition, pubsub, type }: StanzaError): readonly [status: number, code: string] {
  const code = pubsub ?? condition
  if (type === 'wait') {
    // XMPP allows only the conditions at which every server keeps the registration; over HTTP the word can be exact.
    if (condition === 'service-unavailable') return [429, 'resource-constraint']
    if (pubsub === 'invalid-payload') return [400, 'policy-violation']
    return [503, code]
  }
  switch (code) {
    case 'device-not-registered':
      return [410, code]
    case 'precondition-not-met':
      return [409, code]
    case 'forbidden':
      return [403, code]
    case 'item-not-found':
      return [404, code]
    default:
      return [400, code]
  }
}

/** By the word, for errors without a text of their own. */
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
