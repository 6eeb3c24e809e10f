import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../../src/core/outcome.ts'
import { keptConditions, type StanzaError } from '../../../../src/core/stanza-error.ts'
import { PrunedElement } from '../../../../src/core/xml/pruned-element.ts'
import { answerOf, answerOverload } from '../../../../src/main/roles/app-server/answer-publish.ts'
import { PublishRequest } from '../../../../src/main/roles/app-server/publish-request.ts'
import { parseStanza as readStanza } from '../../../../src/main/xmpp/parse-stanza.ts'
import { roomy } from '../../xmpp/stream-recording.ts'
import {
  alice,
  type PublishChange,
  parseStanza,
  phone,
  phoneOptions,
  publish,
  pubsubHost,
  startAppServer,
  summaryOfAnswer,
  virtualHost,
} from './app-server-at-work.ts'

/** Every outcome that there is: one left out does not compile. */
const everyOutcome: Record<Exclude<Outcome['kind'], 'undelivered'> | 'timeout' | 'overload', Outcome> = {
  delivered: { kind: 'delivered' },
  stored: { kind: 'stored' },
  dead_device: { kind: 'dead_device', reason: '' },
  suspect: { kind: 'suspect', reason: '' },
  invalid: { kind: 'invalid', reason: '' },
  operator_fault: { kind: 'operator_fault', reason: '' },
  timeout: { kind: 'undelivered', cause: 'timeout', reason: '' },
  overload: { kind: 'undelivered', cause: 'overload', reason: '' },
}

/** MongooseIM, ejabberd and Prosody keep the registration at any `wait`, Tigase at these conditions. */
function everyServerKeeps({ type, condition }: Pick<StanzaError, 'type' | 'condition'>): boolean {
  return type === 'wait' && keptConditions.includes(condition)
}

describe('what a publish is answered costs nobody a registration but where it is of no more use', () => {
  test.each(Object.entries(everyOutcome))('an outcome %s', (kind, outcome) => {
    const { error } = answerOf(outcome)
    if (error !== undefined) expect(everyServerKeeps(error)).toBe(kind !== 'dead_device')
  })

  test('a full queue', () => {
    const { stanza } = answerOverload(new PublishRequest('1', 'chat.test', 'push.chat.test'))
    expect(summaryOfAnswer(parseStanza(stanza))).toBe('wait/service-unavailable')
  })

  test('a store that fails', async () => {
    await using app = await startAppServer()
    app.nodes.get = () => {
      throw new Error('the disk is gone')
    }
    expect(app.publish({ to: pubsubHost })).toBe('wait/internal-server-error')
  })

  test.each<[string, string, string, string]>([
    ['its options', 'tok-1', `<a>${'x'.repeat(16_000)}</a>`.repeat(17), 'wait/bad-request invalid-payload'],
    ['nothing that counts', 'tok-1', '<a/>'.repeat(1001), 'push'],
    [
      'nothing that counts, for a dead device',
      'dead',
      '<a/>'.repeat(1001),
      'cancel/not-acceptable device-not-registered',
    ],
  ])('one that was past a limit, and has lost %s', async (_, id, more, expected) => {
    await using app = await startAppServer()
    await app.deadDevices.add({ ...phone, id: 'dead' }, virtualHost, '', 'provider')
    const xml = publish({ options: { ...phoneOptions, device_id: id } })
    const stanza = readStanza(xml.replace('</notification>', `${more}</notification>`), {
      ...roomy,
      maxTextBytes: 16_384,
    })
    expect(stanza).toBeInstanceOf(PrunedElement)
    const verdict = app.server.handle(virtualHost, stanza!)
    expect(verdict.kind === 'answer' ? summaryOfAnswer(parseStanza(verdict.stanza)) : verdict.kind).toBe(
      expected,
    )
  })

  const asIs = (xml: string) => xml
  test.each<[string, PublishChange, (xml: string) => string, string]>([
    ['no item', {}, (xml) => xml.replace(/<item>.*<\/item>/, ''), 'modify/bad-request'],
    ['a get', {}, (xml) => xml.replace("type='set'", "type='get'"), 'modify/bad-request'],
    ['no such node', { to: pubsubHost, node: 'none' }, asIs, 'cancel/item-not-found'],
    ['no device', { options: {} }, asIs, 'cancel/conflict precondition-not-met'],
    [
      'no notification',
      {},
      (xml) => xml.replaceAll('notification', 'other'),
      'modify/bad-request invalid-payload',
    ],
    [
      'a value that cannot be',
      { options: { ...phoneOptions, mode: 'x' } },
      asIs,
      'modify/bad-request invalid-payload',
    ],
    [
      'a dead device',
      { options: { ...phoneOptions, device_id: 'dead' } },
      asIs,
      'cancel/not-acceptable device-not-registered',
    ],
  ])('a check that says that the publish can never work: %s', async (_, change, edit, expected) => {
    await using app = await startAppServer()
    await app.deadDevices.add({ ...phone, id: 'dead' }, virtualHost, '', 'provider')
    const answer = await app.answer(edit(publish(change)), change.to ?? virtualHost)
    expect(summaryOfAnswer(answer)).toBe(expected)
  })

  test('somebody who may not publish', async () => {
    await using app = await startAppServer({ publishers: ['other.test'] })
    await app.create(alice, 'n1')
    expect(app.publish()).toBe('auth/forbidden')
    expect(app.publish({ to: pubsubHost })).toBe('auth/forbidden')
  })
})
