import type { Outcome } from '../../../core/outcome.ts'
import { iqError, iqResult } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors, withText } from '../../../core/stanza-error.ts'
import type { PublishRequest } from './publish-request.ts'
import { failedCheck, type PublishResult } from './publish-result.ts'
import type { PublishVerdict } from './verdict.ts'

/**
 * What a publish is answered with, once it is known what became of the push: a contract, since by the
 * error the XMPP server decides whether the user keeps the registration. Only a dead device costs it: every other is a
 * `wait`, with one of `keptConditions`.
 */
export interface PublishAnswer {
  readonly stanza: string
  /** What the publish is counted as. */
  readonly result: PublishResult
}

interface OutcomeAnswer {
  /** undefined: a result. */
  readonly error: StanzaError | undefined
  readonly result: PublishResult
}

const answers = {
  delivered: { error: undefined, result: 'delivered' },
  stored: { error: undefined, result: 'stored' },
  dead_device: { error: stanzaErrors.deviceNotRegistered, result: 'dead_device' },
  suspect: { error: stanzaErrors.submitFailed, result: 'suspect' },
  invalid: { error: stanzaErrors.unsendable, result: 'failed' },
  operator_fault: { error: stanzaErrors.internalServerError, result: 'failed' },
  timeout: { error: stanzaErrors.remoteServerTimeout, result: 'failed' },
  overload: { error: stanzaErrors.overload, result: 'overload' },
} as const satisfies Record<
  Exclude<Outcome['kind'], 'undelivered'> | Extract<Outcome, { kind: 'undelivered' }>['cause'],
  OutcomeAnswer
>

export function answerPublish(request: PublishRequest, outcome: Outcome): PublishAnswer {
  const { error, result } = answerOf(outcome)
  if (error === undefined) return { stanza: iqResult(request), result }
  const reason = 'reason' in outcome ? outcome.reason : ''
  return { stanza: iqError(request, reason === '' ? error : withText(error, reason)), result }
}

/**
 * The error that a publish is refused with. `isCut`: the parser has skipped elements of it, and the missing part may be
 * one of them. So the answer is an error for which no server ends the registration.
 */
export function errorOfRefused(
  { check, error }: Extract<PublishVerdict, { kind: 'refused' }>,
  isCut: boolean,
): StanzaError {
  return isCut && check !== failedCheck.deviceLives ? stanzaErrors.unsendable : error
}

/** The last check failed: there is no room for another notification. */
export function answerOverload(request: PublishRequest): PublishAnswer {
  return { stanza: iqError(request, stanzaErrors.overload), result: failedCheck.hasRoom }
}

/** The stanza error that an outcome stands for, and what the publish is counted as: the same over HTTP. */
export function answerOf(outcome: Outcome): OutcomeAnswer {
  return answers[outcome.kind === 'undelivered' ? outcome.cause : outcome.kind]
}
