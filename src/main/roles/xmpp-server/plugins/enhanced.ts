import type { Subscription } from '../../../store/ports.ts'
import type { MessageEvent } from '../plugin.ts'

export { prepareNotification, senderId } from './defaults.ts'

/**
 * Of a lost stream (XEP-0198) only its own client is told: the user's others have the message. That none is told
 * twice of one message is seen to for every plugin.
 */
export function shouldPublish(
  event: MessageEvent,
  subscriptions: readonly Subscription[],
): readonly Subscription[] {
  if (event.kind !== 'unacked') return subscriptions
  return subscriptions.filter(({ session }) => session !== '' && session === event.session)
}
