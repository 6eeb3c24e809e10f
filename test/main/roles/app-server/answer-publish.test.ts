import { expect, test } from 'vitest'
import type { Outcome } from '../../../../src/core/outcome.ts'
import { answerOverload, answerPublish } from '../../../../src/main/roles/app-server/answer-publish.ts'
import { PublishRequest } from '../../../../src/main/roles/app-server/publish-request.ts'
import { errorText, parseStanza, summaryOfAnswer } from './app-server-at-work.ts'

const request = new PublishRequest("rr-1+/='&", 'chat.test', 'push.chat.test/r')

const contract: [outcome: Outcome, answer: string, result: string][] = [
  [{ kind: 'delivered' }, 'result', 'delivered'],
  [{ kind: 'stored' }, 'result', 'stored'],
  [
    { kind: 'dead_device', reason: 'unregistered' },
    'cancel/not-acceptable device-not-registered',
    'dead_device',
  ],
  [
    { kind: 'suspect', reason: 'invalid_request' },
    'wait/internal-server-error failed-to-submit-push-notification',
    'suspect',
  ],
  [{ kind: 'invalid', reason: 'payload_too_large' }, 'wait/bad-request invalid-payload', 'failed'],
  [{ kind: 'operator_fault', reason: 'no_matching_pool' }, 'wait/internal-server-error', 'failed'],
  [{ kind: 'undelivered', cause: 'timeout', reason: 'no answer' }, 'wait/remote-server-timeout', 'failed'],
  [{ kind: 'undelivered', cause: 'overload', reason: 'too busy' }, 'wait/service-unavailable', 'overload'],
]

test.each(contract)('%j is answered with %s and counted as %s', (outcome, summary, result) => {
  const answer = answerPublish(request, outcome)
  const iq = parseStanza(answer.stanza)
  expect(summaryOfAnswer(iq)).toBe(summary)
  expect(answer.result).toBe(result)
  expect([iq.attr('id'), iq.attr('from'), iq.attr('to')]).toEqual([request.id, request.to, request.from])
  expect(errorText(iq)).toBe('reason' in outcome ? outcome.reason : '')
})

test('only a dead device costs the registration: everything else that went wrong is a wait', () => {
  for (const [outcome, summary] of contract) {
    if (summary !== 'result') expect(summary.startsWith('wait/')).toBe(outcome.kind !== 'dead_device')
  }
})

test('pubsub’s own conditions stand in the namespace of its errors', () => {
  for (const [outcome, , result] of contract) {
    if (!['dead_device', 'suspect'].includes(result) && outcome.kind !== 'invalid') continue
    const error = parseStanza(answerPublish(request, outcome).stanza).firstChild()
    expect(error?.elements().at(-1)?.ns).toBe('http://jabber.org/protocol/pubsub#errors')
  }
})

test('a reason without words makes no text, and one from a stranger cannot break the stanza', () => {
  expect(answerPublish(request, { kind: 'suspect', reason: '' }).stanza).not.toContain('<text')
  const answer = answerPublish(request, { kind: 'suspect', reason: "</text>\u0000'&" })
  expect(errorText(parseStanza(answer.stanza))).toBe("</text>\ufffd'&")
})

test('check 8: no room is wait/service-unavailable', () => {
  const answer = answerOverload(request)
  expect(summaryOfAnswer(parseStanza(answer.stanza))).toBe('wait/service-unavailable')
  expect(answer.result).toBe('rejected_no_room')
})
