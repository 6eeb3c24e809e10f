import { afterAll, beforeAll, expect, test } from 'vitest'
import { escapeXml } from '../../src/core/xml/escape.ts'
import { until } from '../support/until.ts'
import type { Stanza, XmppClient } from '../support/xmpp-client.ts'
import { describeServers, pubsub, SetUp, service, verdictOf } from './set-up.ts'

const rsm = 'http://jabber.org/protocol/rsm'
/** As many as one user may have, with names that are six times as long when they are written. */
const names = Array.from({ length: 128 }, (_, i) => String(i).padStart(250, "'"))

/** Both lists of a user's nodes, with a `<set/>` where it belongs. */
const lists = {
  'disco#items': (set: string) => `<query xmlns='http://jabber.org/protocol/disco#items'>${set}</query>`,
  affiliations: (set: string) => `<pubsub xmlns='${pubsub}'><affiliations/>${set}</pubsub>`,
}

describeServers('a user with 128 nodes whose names are as long as can be', ({ start }) => {
  let setUp: SetUp
  let alice: XmppClient
  /** Prosody takes one stream alone: the other one has tried. */
  let reconnects: number

  beforeAll(async () => {
    setUp = await SetUp.start(await start(), { push: { virtual_pubsub_hosts: [] } })
    alice = await setUp.online('alice')
    for (const name of names) {
      const create = `<pubsub xmlns='${pubsub}'><create node='${escapeXml(name)}' type='push'/></pubsub>`
      expect(verdictOf(await alice.iq('set', service, create))).toBe('result')
    }
    reconnects = await setUp.daemon.metric('component_reconnects_total')
  }, 60_000)
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  test.each(Object.entries(lists))(
    'gets the list of them in pages, none over 60 KiB: %s',
    async (_, list) => {
      const seen: string[] = []
      for (let set = ''; ; ) {
        const answer = await alice.iq('get', service, list(set))
        expect(verdictOf(answer)).toBe('result')
        expect(Buffer.byteLength(String(answer))).toBeLessThan(60 * 1024)
        const page = nodesIn(answer)
        if (page.length === 0) break
        seen.push(...page)
        const last = answer.getChildElements()[0]?.getChild('set', rsm)?.getChildText('last') ?? ''
        set = `<set xmlns='${rsm}'><after>${escapeXml(last)}</after></set>`
      }
      expect(seen.toSorted()).toEqual(names.toSorted())
      expect(await setUp.daemon.metric('component_reconnects_total')).toBe(reconnects)
    },
  )

  test('asks for 150 lists at once: some are answered, the others told to wait, and the streams stay', async () => {
    const sent = alice.received.length
    const ids = Array.from({ length: 150 }, (_, i) => `list-${i}`)
    for (const id of ids) {
      await alice.send(`<iq type='get' id='${id}' to='${service}'>${lists['disco#items']('')}</iq>`)
    }
    expect(verdictOf(await alice.iq('get', service, `<ping xmlns='urn:xmpp:ping'/>`))).toBe('result')
    const answers = () => alice.received.slice(sent).filter(({ attrs }) => ids.includes(attrs.id ?? ''))
    await until('all answers', () => answers().length === ids.length)
    const verdicts = new Set(answers().map(verdictOf))
    verdicts.delete('wait/service-unavailable')
    expect([...verdicts]).toEqual(['result'])
    expect(await setUp.daemon.metric('component_reconnects_total')).toBe(reconnects)
    expect(await setUp.daemon.metric('component_connected')).toBeGreaterThan(0)
  })
})

function nodesIn(answer: Stanza): string[] {
  const payload = answer.getChildElements()[0]
  const listed = payload?.getChild('affiliations') ?? payload
  return (listed?.getChildElements() ?? []).flatMap(({ attrs }) => attrs.node ?? [])
}
