import { describe, expect, test } from 'vitest'
import { ListsUnderWay } from '../../src/main/lists-under-way.ts'
import { Metrics } from '../../src/main/metrics/table.ts'
import type { StanzaSink } from '../../src/main/xmpp/ports.ts'
import { metricValue } from './xmpp/open-domain.ts'

/** A stream whose answers are written when the test says so. */
class Stream implements StanzaSink {
  readonly sent: string[] = []
  readonly #written: (() => void)[] = []
  isGone = false

  send(): boolean {
    throw new Error('a list is an answer to a query')
  }

  answerQuery(stanza: string, written: (() => void) | undefined): boolean {
    if (this.isGone) return false
    this.sent.push(stanza.includes("type='error'") ? (/<error.*<\/error>/.exec(stanza)?.[0] ?? '') : stanza)
    if (written !== undefined) this.#written.push(written)
    return true
  }

  /** The oldest answer that was not written yet is. */
  write(): void {
    this.#written.shift()?.()
  }
}

describe('one sender has one list under way', () => {
  const list = (from: string, answer: string) => ({
    request: { id: '1', from, to: 'push.chat.test' },
    make: () => answer,
  })

  test('the second list of a sender, from whichever device, waits until the first is written; other senders do not', () => {
    const lists = new ListsUnderWay(new Metrics('0'))
    const stream = new Stream()
    lists.take(list('alice@chat.test/phone', 'a1'), stream)
    lists.take(list('alice@chat.test/tablet', 'a2'), stream)
    lists.take(list('bob@chat.test/phone', 'b1'), stream)
    lists.take(list('alice@chat.test/phone', 'a3'), stream)
    expect(stream.sent).toEqual(['a1', 'b1'])
    stream.write()
    expect(stream.sent).toEqual(['a1', 'b1', 'a2'])
    stream.write()
    expect(stream.sent).toEqual(['a1', 'b1', 'a2'])
    stream.write()
    expect(stream.sent).toEqual(['a1', 'b1', 'a2', 'a3'])
    stream.write()
    lists.take(list('alice@chat.test/phone', 'a4'), stream)
    expect(stream.sent.at(-1)).toBe('a4')
  })

  test('a list that waits is made when it has its turn', () => {
    const lists = new ListsUnderWay(new Metrics('0'))
    const stream = new Stream()
    let made = 0
    const counted = { request: { id: '1', from: 'a@b', to: 'p' }, make: () => `${++made}` }
    for (let i = 0; i < 3; i++) lists.take(counted, stream)
    expect(made).toBe(1)
    stream.write()
    expect(made).toBe(2)
  })

  test('eight wait behind it; the next is wait/service-unavailable, counted', () => {
    const metrics = new Metrics('0')
    const lists = new ListsUnderWay(metrics)
    const stream = new Stream()
    for (let i = 0; i < 11; i++) lists.take(list('alice@chat.test/phone', `${i}`), stream)
    const refused =
      "<error type='wait'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    expect(stream.sent).toEqual(['0', refused, refused])
    expect(metricValue(metrics.limitsHit, 'lists_waiting')).toBe(2)
    for (let i = 0; i < 20; i++) stream.write()
    expect(stream.sent.slice(3)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('of all senders 1,000 wait', () => {
    const metrics = new Metrics('0')
    const lists = new ListsUnderWay(metrics)
    const stream = new Stream()
    for (let i = 0; i < 600; i++) {
      for (let j = 0; j < 3; j++) lists.take(list(`user${i}@chat.test`, 'x'), stream)
    }
    expect(metricValue(metrics.limitsHit, 'lists_waiting')).toBe(200)
  })

  test('an answer that no stream takes holds nothing up', () => {
    const lists = new ListsUnderWay(new Metrics('0'))
    const stream = new Stream()
    for (let i = 0; i < 4; i++) lists.take(list('alice@chat.test', `${i}`), stream)
    stream.isGone = true
    stream.write()
    stream.isGone = false
    lists.take(list('alice@chat.test', 'again'), stream)
    expect(stream.sent).toEqual(['0', 'again'])
  })
})
