import { LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { LmdbOutbox, type OutboxOptions } from '../../../src/main/store/outbox.ts'
import { openStore } from './open-store.ts'
import { given, startMs, type storedPush } from './stored-push.ts'

/** An outbox at a time that the test sets. */
export async function outboxAt(
  path: string,
  options: Partial<OutboxOptions> = {},
  clock = { nowMs: startMs },
) {
  const environment = await openStore(path)
  const nowMs = () => clock.nowMs
  const letters = new LmdbDeadLetterStore(environment, {
    maxAgeMs: 1_000,
    maxCount: 3,
    maxBytes: 1e12,
    nowMs,
  })
  const outbox = new LmdbOutbox(environment, letters, {
    maxStored: 1_000,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs,
    ...options,
  })
  return { environment, letters, outbox, clock, [Symbol.asyncDispose]: () => environment.close() }
}

export const none = () => false

export async function add(outbox: LmdbOutbox, push: ReturnType<typeof storedPush>): Promise<string> {
  const { id, durable } = given(outbox.add(push))
  await durable
  return id
}
