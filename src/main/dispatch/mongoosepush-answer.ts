import { classifyAnswer } from '../../core/mongoosepush/answer.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import type { OtherAnswer } from '../../core/worker-protocol.ts'

/** What an answer that needs words comes to. */
export function outcomeOf({ cause, status, reason, retryAfterMs }: OtherAnswer): AttemptOutcome {
  return classifyAnswer(
    cause === undefined
      ? { kind: 'response', status, reason, retryAfterMs }
      : { kind: 'no-response', cause, detail: reason ?? cause },
  )
}
