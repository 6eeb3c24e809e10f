import { bareJid } from '../../../../core/jid.ts'
import type { Subscription } from '../../../store/ports.ts'
import type { MessageEvent, SummaryFields } from '../plugin.ts'

/** Everybody is notified of what has a body. */

export function shouldPublish(
  _event: MessageEvent,
  subscriptions: readonly Subscription[],
): readonly Subscription[] {
  return subscriptions
}

/** In a room it is the nick that says who speaks. */
export function senderId(event: MessageEvent): string {
  return event.type === 'groupchat' ? event.from : (bareJid(event.from) ?? event.from)
}

export function prepareNotification(event: MessageEvent, sender: string): SummaryFields | null {
  if (event.body === undefined || event.body === '') return null
  return {
    'message-count': event.messageCount ?? 1,
    'last-message-sender': sender,
    'last-message-body': event.body,
  }
}
