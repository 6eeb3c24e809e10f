import type { StanzaError } from '../../../core/stanza-error.ts'
import type { PublishResult } from './publish-result.ts'

/** What became of a publish that came in another way than as a stanza. */
export interface PublishEnd {
  /** What an IQ would be answered with; undefined: a result. */
  readonly error: StanzaError | undefined
  readonly result: PublishResult
}

/** Who waits for it. */
export interface PublishSink {
  /** Called exactly once, perhaps within the call that publishes. `undefined`: the domain is not served here. Must not throw. */
  publishEnded(end: PublishEnd | undefined): void
}
