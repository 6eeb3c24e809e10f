import { describe, expect, test } from 'vitest'
import { classifyFcmAnswer } from '../../../src/core/fcm/answer.ts'
import { quotaOf } from '../../../src/core/fcm/quota.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { fcmWords } from '../../../src/sandbox/providers/fcm-answers.ts'

const failure = 'type.googleapis.com/google.rpc.QuotaFailure'

function violations(...list: readonly JsonObject[]): JsonObject[] {
  return [{ '@type': failure, violations: list }]
}

describe('a used-up quota is the device’s, the topic’s or the project’s, as FCM’s answer says', () => {
  test.each([
    ['PROJECT_QUOTA', 'project'],
    ['DEVICE_QUOTA', 'device'],
    ['TOPIC_QUOTA', 'topic'],
    ['QUOTA_EXCEEDED', undefined],
    ['THROTTLED', undefined],
  ])('%s is of: %s', (word, quota) => {
    const { status, body } = fcmWords[word] ?? {}
    const answer = { status: Number(status), retryAfterMs: undefined, body: JSON.stringify(body) }
    expect(classifyFcmAnswer(answer).outcome).toMatchObject({ kind: 'retry', cause: 'throttled', quota })
  })

  test.each([
    [
      'a violation’s subject',
      violations({ subject: 'device:abc', description: 'Quota exceeded' }),
      '',
      'device',
    ],
    ['a violation’s description', violations({ description: 'Device message rate exceeded' }), '', 'device'],
    ['a project as subject', violations({ subject: 'project:my-app' }), '', 'project'],
    ['one of two violations', violations({ subject: 'device' }, { subject: 'project:1' }), '', 'project'],
    ['violations over the message', violations({ subject: 'device' }), 'Project quota exceeded', 'device'],
    ['the message alone: a topic', [], 'Topic quota exceeded.', 'topic'],
    ['the message alone: a device', [], 'Device message rate exceeded for project 1', 'device'],
    ['the unit of an ErrorInfo', [{ metadata: { quota_unit: '1/min/{project}' } }], '', 'project'],
    ['the limit of an ErrorInfo', [{ metadata: { quota_limit: 'SendsPerMinutePerDevice' } }], '', 'device'],
  ] as const)('%s tells', (_what, details, message, quota) => {
    expect(quotaOf(details, message)).toBe(quota)
  })

  test.each([
    ['nothing', [], ''],
    ['words that are new', [], 'Resource has been exhausted (e.g. check quota).'],
    ['violations that are none', [{ violations: 'device' }, { violations: [null, 5, 'device'] }], ''],
    ['metadata that are none', [{ metadata: [] }, { metadata: 'project' }], ''],
  ] as const)('%s does not tell', (_what, details, message) => {
    expect(quotaOf(details as never, message)).toBeUndefined()
  })
})
