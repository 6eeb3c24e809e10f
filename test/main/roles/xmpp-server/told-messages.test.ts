import { describe, expect, test } from 'vitest'
import { Element } from '../../../../src/core/xml/element.ts'
import { marksFallback } from '../../../../src/main/roles/xmpp-server/encryption.ts'
import { messageXml, pushes, pushesOf, subscribed, textsOf, user, ways, work } from './told-messages.ts'

describe('the text that is pushed is the first that is not empty, the one in content.language first', () => {
  const bodies = "<body/><body xml:lang='en'>Hello</body><body xml:lang='de-AT'>Servus</body><body>Hi</body>"

  test.each([
    ['', 'Hello'],
    ['de', 'Servus'],
    ['DE-at', 'Servus'],
    ['de-DE', 'Hello'],
    ['fr', 'Hello'],
    ['en', 'Hello'],
  ])('with %j: %s', async (language, expected) => {
    expect(await textsOf(bodies, { language })).toEqual([expected])
  })

  test('a body without a language has that of the message', async () => {
    const xml = messageXml("<body xml:lang='en'>Hello</body><body>Hallo</body>").replace(
      '<message',
      "<message xml:lang='de'",
    )
    const [push] = await pushesOf({ language: 'de' }, xml)
    expect(push?.[1]).toBe('Hallo')
  })

  test('a message of empty bodies is not pushed', async () => {
    expect(await textsOf("<body/><body xml:lang='de'></body>")).toEqual([])
  })
})

describe('a message that only its user can read is an alert with content.encrypted_body', () => {
  const encryptedBody = 'Verschlüsselte Nachricht'
  const omemo =
    "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>"
  const omemo2 = "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AAAA</payload></encrypted>"
  const eme = (ns: string) => `<encryption xmlns='urn:xmpp:eme:0' namespace='${ns}'/>`
  const fallback = (more: string, inner = '') =>
    `<fallback xmlns='urn:xmpp:fallback:0'${more}>${inner}</fallback>`
  const text = '<body>Your client cannot show this</body>'

  test.each([
    ['OMEMO', omemo],
    ['OMEMO 0.8', omemo2],
    ['OpenPGP', "<openpgp xmlns='urn:xmpp:openpgp:0'>AAAA</openpgp>"],
    ['OpenPGP of XEP-0027', "<x xmlns='jabber:x:encrypted'>AAAA</x>"],
    ['an encryption that XEP-0380 names', eme('urn:xmpp:mls:0')],
    ['OMEMO and an empty body', `${omemo}<body/>`],
    ['a fallback text that XEP-0428 marks as such', `${omemo2}${text}${fallback(" for='urn:xmpp:omemo:2'")}`],
    ['a mark that names no reason', `${omemo}${text}${fallback('')}`],
    [
      'a mark around the whole text',
      `${omemo2}${text}${fallback(" for='urn:xmpp:omemo:2'", "<body start='0' end='28'/>")}`,
    ],
    [
      'a mark for the encryption that XEP-0380 names',
      `${eme('urn:x')}${text}${fallback(" for='urn:x'", '<body/>')}`,
    ],
  ])('%s', async (_, children) => {
    expect(await textsOf(children, { encryptedBody })).toEqual([encryptedBody])
  })

  test.each([
    'I sent you an OMEMO encrypted message but your client doesn’t seem to support that. Find more information on https://conversations.im/omemo',
    "I sent you an OMEMO encrypted message but your client doesn't seem to support that",
    'I sent you a PGP encrypted message but your client doesn’t seem to support that.',
    'This is an OMEMO encrypted message which your client doesn’t seem to support. Find more information on https://conversations.im/omemo',
    "You received a message encrypted with OMEMO but your client doesn't support OMEMO.",
    '[This message is OMEMO encrypted]',
    '[This message is OpenPGP encrypted (see XEP-0027)]',
  ])('%s', async (known) => {
    expect(await textsOf(`<body>${known}</body>${omemo}`, { encryptedBody })).toEqual([encryptedBody])
    // Over HTTP some servers tell the text alone.
    await subscribed({ encryptedBody })
    await work.event({ to: user, body: known })
    expect(work.here[0]?.summary.get('last-message-body')).toBe(encryptedBody)
  })

  test.each([
    ['an own text beside what is encrypted', `${omemo}<body>Hello</body>`, 'Hello'],
    [
      'a mark about a reply',
      `<body>&gt; Hi\nHello</body>${fallback(" for='urn:xmpp:reply:0'", "<body start='0' end='5'/>")}`,
      '> Hi\nHello',
    ],
    [
      'a mark about a part of the text',
      `${omemo2}${text}${fallback(" for='urn:xmpp:omemo:2'", "<body start='0' end='4'/>")}`,
      'Your client cannot show this',
    ],
    ['a text about encryption', '<body>I sent you an email</body>', 'I sent you an email'],
  ])('%s stays', async (_, children, expected) => {
    expect(await textsOf(children, { encryptedBody })).toEqual([expected])
  })

  test('thousands of marks on a long text take no time', () => {
    const ranges = Array.from(
      { length: 1000 },
      () => new Element('body', 'urn:xmpp:fallback:0', ['end', '1']),
    )
    const marks = Array.from(
      { length: 10 },
      () => new Element('fallback', 'urn:xmpp:fallback:0', ['for', 'u'], ranges),
    )
    const fromMs = performance.now()
    expect(marksFallback(new Element('message', 'jabber:client', [], marks), 'x'.repeat(16_384), 'u')).toBe(
      false,
    )
    // It was more than half a second.
    expect(performance.now() - fromMs).toBeLessThan(200)
  })

  test('what only hands over keys is no message', async () => {
    const keys = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>"
    expect(await textsOf(keys)).toEqual([])
    expect(await textsOf(keys + eme('eu.siacs.conversations.axolotl'))).toEqual([])
  })
})

describe('an invitation to a room is an alert', () => {
  const mediated = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='bob@chat.test'/></x>"

  test.each([
    [
      'direct',
      "<x xmlns='jabber:x:conference' jid='room@muc.test'/>",
      'alice@chat.test/phone',
      'alice@chat.test',
    ],
    ['by way of the room', mediated, 'room@muc.test', 'room@muc.test'],
  ])('%s', async (_, children, from, sender) => {
    const invitationBody = 'Einladung'
    const all = await pushesOf({ invitationBody }, messageXml(children, { from, type: '' }))
    expect(all).toEqual([[sender, invitationBody]])
  })

  test('with a text of its own it is pushed with that', async () => {
    expect(await textsOf(`<body>Come in</body>${mediated}`)).toEqual(['Come in'])
  })

  test('that is declined is none', async () => {
    const decline = "<x xmlns='http://jabber.org/protocol/muc#user'><decline from='bob@chat.test'/></x>"
    expect(await textsOf(decline)).toEqual([])
  })
})

describe('who writes in a room is shown with the nick', () => {
  const text = '<body>Hi</body>'
  const isPrivate = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
  const mix = "<mix xmlns='urn:xmpp:mix:core:1'><nick>third witch</nick><jid>hag@chat.test</jid></mix>"

  test.each([
    ['to all', text, 'room@muc.test/nick', 'groupchat', 'room@muc.test/nick'],
    ['in private', text + isPrivate, 'room@muc.test/nick', 'chat', 'room@muc.test/nick'],
    [
      'in a channel of MIX',
      text + mix,
      'channel@mix.test/123456',
      'groupchat',
      'channel@mix.test/third witch',
    ],
  ])('%s', async (_, children, from, type, sender) => {
    for (const form of ['bare', 'full'] as const) {
      const all = await pushesOf({ sender: form }, messageXml(children, { from, type }))
      expect(all).toEqual([[sender, 'Hi']])
    }
  })

  const mucSub = (inner: string, from = 'room@muc.test', node = 'messages') =>
    messageXml(
      `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mucsub:nodes:${node}'>` +
        `<item id='7'>${inner}</item></items></event>`,
      { from, type: '', id: 'outer' },
    )
  const ofRoom = (id: string, text = 'Hi') =>
    `<message xmlns='jabber:client' type='groupchat' id='${id}' from='room@muc.test/nick' to='room@muc.test'><body>${text}</body></message>`

  test.each(ways)('in a room that tells its subscribers (MUC/Sub), in %s', async (_, tell) => {
    await subscribed()
    expect(await pushes(tell, mucSub(ofRoom('i1')))).toEqual([['room@muc.test/nick', 'Hi']])
    // Its own id counts, not that of the event.
    expect(await pushes(tell, mucSub(ofRoom('i2')), mucSub(ofRoom('i1')))).toHaveLength(2)
  })

  test.each([
    ['what the event holds is of another room', mucSub(ofRoom('1'), 'other@muc.test')],
    ['it is about something else', mucSub(ofRoom('1'), 'room@muc.test', 'presence')],
    [
      'it holds no message',
      mucSub("<iq xmlns='jabber:client' from='room@muc.test/nick'><body>Hi</body></iq>"),
    ],
  ])('but not where %s', async (_, xml) => {
    expect(await pushesOf({}, xml)).toEqual([])
  })
})

describe('content.sender says how a user that writes is shown', () => {
  test.each([
    ['bare', 'alice@chat.test'],
    ['full', 'alice@chat.test/phone'],
  ] as const)('%s', async (sender, shown) => {
    for (const type of ['chat', 'normal'] as const) {
      await subscribed({ sender })
      await work.event({ to: user, type })
      expect(work.here[0]?.summary.get('last-message-sender')).toBe(shown)
      expect(work.here[0]?.isOfEvent).toBe(true)
    }
  })
})
