import type { Subscription } from '../../../store/ports.ts'
import type { MessageEvent, SummaryFields } from '../plugin.ts'

/** Everybody is notified of what has a body. */

export function shouldPublish(
  _event: MessageEvent,
  subscriptions: readonly Subscription[],
): readonly Subscription[] {
  return subscriptions
}

export function senderId(event: MessageEvent): string {
  return event.sender
}

export function prepareNotification(event: MessageEvent, sender: string): SummaryFields | null {
  if (event.body === undefined || event.body === '') return null
  return {
    'message-count': event.messageCount ?? 1,
    'last-message-sender': sender,
    'last-message-body': event.body,
  }
}
