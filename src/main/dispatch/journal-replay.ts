import type { Notification } from '../../core/notification.ts'
import type { Journal, LetterReason, Outbox } from '../store/ports.ts'

/** Groups that go into the outbox in one transaction: some thousand pushes. */
const groupsAtOnce = 4

export interface ReplayParts {
  readonly journal: Journal
  readonly outbox: Outbox
  /** Stores it: settled when it is on disk; or says why not. */
  adopt(notification: Notification): Promise<void> | LetterReason
  /** It has ended. */
  ended(notification: Notification, reason: LetterReason): void
}

/**
 * Moves what earlier runs left in their journal into the outbox, what is not worth that or has no room to the dead
 * letters; what this run journals meanwhile is not touched.
 */
export async function replayJournal({ journal, outbox, adopt, ended }: ReplayParts): Promise<void> {
  for (let groups = journal.left(groupsAtOnce); groups.length > 0; groups = journal.left(groupsAtOnce)) {
    const written: Promise<unknown>[] = []
    for (const [id, notifications] of groups) {
      for (const notification of notifications) {
        const adopted = adopt(notification)
        if (typeof adopted !== 'string') {
          written.push(adopted)
          continue
        }
        ended(notification, adopted)
        written.push(
          outbox.refuse(notification, {
            reason: adopted,
            detail: 'the daemon ended before it was delivered',
          }),
        )
      }
      // In the same turn, and so in the same transaction.
      written.push(journal.remove(id))
    }
    await Promise.all(written)
  }
}
