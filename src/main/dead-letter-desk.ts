import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { HttpPorts } from './http/ports.ts'
import type { DeadDeviceStore } from './store/dead-device-ports.ts'
import type { DeadLetter, DeadLetterStore } from './store/ports.ts'

export interface DeadLetterDeskParts {
  readonly letters: DeadLetterStore
  readonly deadDevices: DeadDeviceStore
  readonly dispatcher: Dispatcher
}

/** What operators can see and do of acknowledged pushes that were not delivered. */
export function deadLetterDesk(
  parts: DeadLetterDeskParts,
): Pick<HttpPorts, 'deadLetters' | 'retryDeadLetters'> {
  return {
    deadLetters(limit, before) {
      const { letters, next } = parts.letters.list(limit, before)
      return { letters: letters.map(shown), next: next ?? null }
    },
    retryDeadLetters: (ids) => retry(ids, parts),
  }
}

/** Whom it was for, and why it did not get there; not what it said. */
function shown({ id, atMs, reason, detail, notification }: DeadLetter): object {
  const { domain, node, device, createdAtMs } = notification
  return {
    id,
    at: new Date(atMs).toISOString(),
    reason,
    detail,
    domain,
    node,
    service: device.service,
    mode: device.mode ?? null,
    device_id: device.id,
    accepted: new Date(createdAtMs).toISOString(),
  }
}

/** Whoever asks for it knows better: its device is not dead any more, and its time begins anew. */
async function retry(ids: readonly string[], parts: DeadLetterDeskParts): Promise<object> {
  const { letters, deadDevices, dispatcher } = parts
  const unknown: string[] = []
  const refused: string[] = []
  const written: Promise<unknown>[] = []
  for (const id of new Set(ids)) {
    const letter = letters.get(id)
    if (letter === undefined) {
      unknown.push(id)
      continue
    }
    const revived = dispatcher.revive({ ...letter.notification, createdAtMs: Date.now() })
    if (revived === undefined) {
      refused.push(id)
      continue
    }
    // In the same turn, and so in the same transaction.
    written.push(revived, letters.remove(id), deadDevices.forget(letter.notification.device))
  }
  await Promise.all(written)
  return { retried: written.length / 3, unknown, refused }
}
